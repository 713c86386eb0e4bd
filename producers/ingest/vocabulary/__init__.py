"""The vocabularies that shops speak, and the way from each to GA4's words."""

from collections.abc import Mapping
from typing import Final

from producers.ingest.vocabulary import ga4, segment, shopify

_NAMES: Final[Mapping[str, str]] = {**shopify.EVENT_NAMES, **segment.EVENT_NAMES, **ga4.EVENT_NAMES}


def canonical_name(name: str) -> str | None:
    """GA4's name of an event that any known vocabulary names `name`; None for a custom event."""
    return _NAMES.get(name.lower())
