"""Where a session came from, told from its first event's campaign and referrer."""

from typing import Final
from urllib.parse import urlsplit

from contracts.events import Context

PAID_MEDIA: Final = frozenset({"cpc", "ppc", "paid", "paidsearch", "cpm", "display", "affiliate"})
SEARCH: Final = ("google.", "bing.", "duckduckgo.", "yahoo.", "baidu.", "yandex.", "ecosia.", "qwant.")
SOCIAL: Final = (
    "facebook.",
    "instagram.",
    "t.co",
    "twitter.",
    "x.com",
    "youtube.",
    "linkedin.",
    "pinterest.",
    "reddit.",
    "tiktok.",
    "quora.",
)


def channel_of(context: Context) -> str:
    """`paid`, `email`, `social`, `search`, `referral` or `direct`; the campaign speaks before the referrer."""
    medium = (context.campaign_medium or "").lower()
    source = (context.campaign_source or "").lower()
    if medium in PAID_MEDIA:
        return "paid"
    if medium in ("email", "newsletter") or source == "newsletter":
        return "email"
    host = source or _foreign_host(context)
    if medium == "social" or any(host.startswith(name) or f".{name}" in host for name in SOCIAL):
        return "social"
    if medium == "organic" or any(host.startswith(name) or f".{name}" in host for name in SEARCH):
        return "search"
    if medium == "referral" or (host and host != "(direct)"):
        return "referral"
    return "direct"


def _foreign_host(context: Context) -> str:
    """The referrer's host, empty when it is the shop itself."""
    host = _host(context.page_referrer)
    return "" if host == _host(context.page_url) else host


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:  # a referrer is whatever a browser sent
        return ""
