"""GA4's own words: they are ours, so names map to themselves; only page parameters move, into the context."""

from collections.abc import Mapping
from typing import Final

from contracts import event_names as names

EVENT_NAMES: Final[Mapping[str, str]] = {
    **{name: name for name in names.RECOMMENDED},
    "view_search_results": names.SEARCH,
    "screen_view": names.PAGE_VIEW,
}
"""Lower-case GA4 name → ours."""

PAGE_PARAMETERS: Final[Mapping[str, str]] = {
    "page_location": "page_url",
    "page_path": "page_path",
    "page_title": "page_title",
    "page_referrer": "page_referrer",
}
"""Event parameter → field of `Context`."""
