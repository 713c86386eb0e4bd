"""Whether a visitor allows analytics, from what the browser and an SDK's `context` say of it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from contracts.events import Consent, PrivacySignal

_HEADERS: Final[tuple[tuple[bytes, PrivacySignal], ...]] = (
    (b"sec-gpc", "gpc"),
    (b"dnt", "dnt"),
    (b"sp-anonymous", "sp_anonymous"),
)
_NAMES: Final = frozenset(name for name, _ in _HEADERS)
_REFUSES: Final = (b"1", b"*")
LONGEST_NAME: Final = 64
_YES: Final = frozenset({"granted", "grant", "allow", "allowed", "accepted", "true", "yes", "on", "1"})
_NO: Final = frozenset({"denied", "deny", "refused", "rejected", "withdrawn", "false", "no", "none", "off", "0"})


def plain(name: str) -> str:
    """A name however it is written: `Phone_Number`, `phoneNumber` and `phone-number` are one."""
    return _plain(name[:LONGEST_NAME])


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def signals_in(headers: Mapping[bytes, bytes]) -> tuple[PrivacySignal, ...]:
    """The refusals in a request's head: Global Privacy Control, Do Not Track, Snowplow's anonymous tracking."""
    if headers.keys().isdisjoint(_NAMES):
        return ()
    return tuple([signal for name, signal in _HEADERS if headers.get(name, b"").strip() in _REFUSES])


def consent_in(context: Mapping[str, Any], purposes: frozenset[str]) -> Consent | None:
    """What a consent dialogue told the SDK about the purposes (plain names) that mean analytics; a refusal among them decides."""
    consent, management = context.get("consent"), context.get("consentManagement")
    if consent is None and management is None:
        return None
    said = {*_of_consent(consent, purposes), *_of_management(management, purposes)}
    return "refused" if False in said else "granted" if True in said else None


def _of_consent(consent: object, purposes: frozenset[str]) -> Iterator[bool]:
    """Segment's `{"categoryPreferences": {"Analytics": false}}`, the same without that level, a list of all that is allowed,
    or one word for everything."""
    if isinstance(consent, list):
        yield any(name in purposes for name in _names(consent))
    if not isinstance(consent, dict):
        yield from _answer(consent)
        return
    preferences = consent.get("categoryPreferences")
    for name, value in (preferences if isinstance(preferences, dict) else consent).items():
        if plain(name) in purposes:
            yield from _answer(value)


def _of_management(management: object, purposes: frozenset[str]) -> Iterator[bool]:
    """RudderStack's `{"allowedConsentIds": [...], "deniedConsentIds": [...]}`, or one word for everything."""
    if not isinstance(management, dict):
        yield from _answer(management)
        return
    for key, answer in (("deniedConsentIds", False), ("allowedConsentIds", True)):
        ids = management.get(key)
        if isinstance(ids, str):
            ids = ids.split(",")
        if isinstance(ids, (list, dict)) and any(name in purposes for name in _names(ids)):
            yield answer


def _names(ids: Iterable[object]) -> Iterator[str]:
    return (plain(each) for each in ids if isinstance(each, str))


def is_refusal(value: object) -> bool:
    """Whether an answer about one purpose says no."""
    return False in _answer(value)


def _answer(value: object) -> Iterator[bool]:
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        yield bool(value)
    elif isinstance(value, str) and value.strip().lower() in _YES | _NO:
        yield value.strip().lower() in _YES
