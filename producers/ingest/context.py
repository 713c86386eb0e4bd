"""Where and how an event happened, from an SDK's `context`; addresses and raw user agents stay outside."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from contracts.events import Context, DeviceType
from producers.ingest.device import Device, device_of
from producers.ingest.scrub import is_e_mail, truncated

MAX_URL_CHARACTERS: Final = 2_048
MAX_TEXT_CHARACTERS: Final = 512

# What mobile SDKs call a device is an operating system's name.
_DEVICE_TYPES: Final[Mapping[str, DeviceType]] = {
    "desktop": "desktop",
    "mobile": "mobile",
    "phone": "mobile",
    "smartphone": "mobile",
    "ios": "mobile",
    "android": "mobile",
    "tablet": "tablet",
}
_NOTHING: Final[Mapping[str, Any]] = {}
_UTM: Final = {
    "source": "utm_source",
    "medium": "utm_medium",
    "name": "utm_campaign",
    "term": "utm_term",
    "content": "utm_content",
}
_MAX_PIXELS: Final = 100_000


class _FromUrl(NamedTuple):
    path: str | None = None
    campaign: Mapping[str, str] = _NOTHING


def context_of(
    context: Mapping[str, Any],
    page: Mapping[str, Any],
    user_agent: str | None,
    clean: Callable[[str], str] = str,
    clean_text: Callable[[str], str] = truncated,
) -> Context:
    """The context of one call. `page` are page parameters of the event itself, `user_agent` the request's: used when the SDK sent none.
    `clean` takes out of a page's address what must not be kept, `clean_text` out of any other text."""

    def text(value: object) -> str | None:
        return clean_text(value[:MAX_TEXT_CHARACTERS]) or None if isinstance(value, str) and value else None

    def no_e_mail(value: object) -> str | None:
        # A page's title may be one; a campaign is read from the page's address, which loses such values too.
        return text(value) if isinstance(value, str) and not is_e_mail(value) else None

    given = _object(context, "page")
    url = _clean_text(page.get("page_url") or given.get("url"), clean)
    said = _from_url(url) if url is not None else _FromUrl()
    campaign = _object(context, "campaign") or said.campaign
    screen = _object(context, "screen")
    library = _object(context, "library")
    device = device_in(context, user_agent)
    return Context(
        page_url=url,
        page_path=_clean_text(page.get("page_path") or given.get("path") or said.path, clean, MAX_TEXT_CHARACTERS),
        page_title=no_e_mail(page.get("page_title") or given.get("title")),
        page_referrer=_clean_text(page.get("page_referrer") or given.get("referrer"), clean),
        device_type=device.type,
        browser=text(device.browser),
        os=text(device.os),
        locale=text(context.get("locale")),
        timezone=text(context.get("timezone")),
        country=text(_object(context, "location").get("country")),
        campaign_source=no_e_mail(campaign.get("source")),
        campaign_medium=no_e_mail(campaign.get("medium")),
        campaign_name=no_e_mail(campaign.get("name")),
        campaign_term=no_e_mail(campaign.get("term")),
        campaign_content=no_e_mail(campaign.get("content")),
        screen_width=_pixels(screen.get("width")),
        screen_height=_pixels(screen.get("height")),
        sdk_session_id=text(_written_out(context.get("sessionId"))),
        library_name=text(library.get("name")),
        library_version=text(library.get("version")),
    )


class ContextReader:
    """`context_of`, which remembers its last answer: the events of one page come one behind the other and share their context."""

    def __init__(self, clean: Callable[[str], str], clean_text: Callable[[str], str] = truncated) -> None:
        self._clean = clean
        self._clean_text = clean_text
        self._given: Mapping[str, Any] | None = None
        self._user_agent: str | None = None
        self._read = Context()

    def read(self, context: Mapping[str, Any], page: Mapping[str, Any], user_agent: str | None) -> Context:
        if page:
            return context_of(context, page, user_agent, self._clean, self._clean_text)
        if context != self._given or user_agent != self._user_agent:
            self._read = context_of(context, page, user_agent, self._clean, self._clean_text)
            self._given, self._user_agent = context, user_agent
        return self._read


def merged(batch: Mapping[str, Any], own: object) -> Mapping[str, Any]:
    """A call's context on top of its batch's; what it leaves empty is the batch's."""
    if not isinstance(own, dict):
        return batch
    if batch and None in own.values():
        own = {key: value for key, value in own.items() if value is not None}
    return {**batch, **own} if batch else own


def user_agent_of(context: Mapping[str, Any], user_agent: str | None) -> str | None:
    """What the SDK says, else the request's."""
    return _text(context.get("userAgent")) or _text(user_agent)


def screen_of(size: object) -> dict[str, int] | None:
    """A device's screen, told as `1920x1080`."""
    width, _, height = str(size).partition("x")
    is_size = all(side.isascii() and side.isdigit() and len(side) < 7 for side in (width, height))
    return {"width": int(width), "height": int(height)} if is_size else None


def _object(context: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = context.get(key)
    return value if isinstance(value, dict) else _NOTHING


def _text(value: object, limit: int = MAX_TEXT_CHARACTERS) -> str | None:
    return value[:limit] if isinstance(value, str) and value else None


def _clean_text(value: object, clean: Callable[[str], str], limit: int = MAX_URL_CHARACTERS) -> str | None:
    text = _text(value, limit)
    return clean(text) if text else None


def _pixels(value: object) -> int | None:
    """A length of a screen; browsers that zoom may have fractions of a pixel."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= _MAX_PIXELS:
        return None
    return round(value)


def _written_out(value: object) -> object:
    """RudderStack's session is a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@lru_cache(maxsize=4096)
def _from_url(url: str) -> _FromUrl:
    try:
        parts = urlsplit(url)
        # Percent-decoding can make a NUL that the JSON did not have.
        query = parse_qs(parts.query.replace("%00", ""), max_num_fields=100) if "utm_" in parts.query else {}
    except ValueError:  # an impossible address, or a query made to be slow
        return _FromUrl()
    campaign = {ours: query[theirs][0] for ours, theirs in _UTM.items() if theirs in query}
    return _FromUrl(parts.path or None, campaign)


def device_in(context: Mapping[str, Any], user_agent: str | None) -> Device:
    """The device as user agent, client hints and the context's own words tell it."""
    text = user_agent_of(context, user_agent)
    device = device_of(text) if text else Device()
    hints = _object(context, "userAgentData")
    if device.type == "unknown" and device.browser != "Bot" and hints.get("mobile") in (True, False):
        device = device._replace(type="mobile" if hints["mobile"] else "desktop")
    if device.os is None:
        device = device._replace(os=_text(hints.get("platform")) or _text(_object(context, "os").get("name")))
    if device.browser is None:
        device = device._replace(browser=_text(_object(context, "browser").get("name")))
    stated = _object(context, "device").get("type")
    if isinstance(stated, str) and stated.lower() in _DEVICE_TYPES:
        device = device._replace(type=_DEVICE_TYPES[stated.lower()])
    return device
