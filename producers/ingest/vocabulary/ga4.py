"""GA4's own words: they are ours, so names map to themselves; only page parameters move, into the context."""

from collections.abc import Mapping
from typing import Final

from contracts import event_names as names
from producers.ingest.vocabulary.places import Path

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

# Server-side Tag Manager's common event data, which every form of Google Analytics is put into first.

TIMES: Final = 4
"""How much larger than another event one of these may be: 200 items are allowed, and all their fields are written out."""
VISITOR: Final[tuple[str, ...]] = ("client_id", "app_instance_id", "x-ga-js_client_id")
"""Where the visitor's id is; the first that is there."""
PAGE: Final[Mapping[str, Path]] = {
    "url": "page_location",
    "path": "page_path",
    "title": "page_title",
    "referrer": "page_referrer",
}
CONTEXT: Final[Mapping[str, tuple[Path, ...]]] = {
    "userAgent": ("user_agent",),
    "locale": ("language", "device.language"),
    "sessionId": ("ga_session_id", "session_id"),
}
"""Field of an SDK's context → where its value is; the first that is there."""
SCREEN: Final[tuple[Path, ...]] = ("screen_resolution", "device.screen_resolution")
COUNTRY: Final[tuple[Path, ...]] = ("user_location.country_id", "x-ga-ur", "x-sst-system_properties.uc")
DEVICE: Final[Mapping[str, tuple[str, Path]]] = {
    "device": ("type", "device.category"),
    "os": ("name", "device.operating_system"),
    "browser": ("name", "device.browser"),
}
"""Object of an SDK's context → its key and where the value is."""
CAMPAIGN: Final[Mapping[str, str]] = {
    "source": "x-ga-mp2-cs",
    "medium": "x-ga-mp2-cm",
    "name": "x-ga-mp2-cn",
    "term": "x-ga-mp2-ck",
    "content": "x-ga-mp2-cc",
}
"""Set by a page for what its address does not say."""
CONSENT: Final[tuple[Path, ...]] = ("consent", "consent_state", "x-sst-system_properties.consent.consentGrantedState")
"""Where a purpose → whether it is allowed is told in full, besides Google's own short forms `x-ga-gcs` and `x-ga-gcd`."""
CONSENT_UPDATE: Final = "consent_update"
"""Our name of a page view or conversion that is sent once more because the visitor agreed meanwhile (`x-ga-gcu`): it happened once."""
USER_PROPERTIES: Final[tuple[str, ...]] = ("user_properties", "x-ga-mp2-user_properties")
KEPT: Final[Mapping[str, str]] = {"x-ga-mp2-seg": "session_engaged", "x-ga-mp2-tt": "traffic_type"}
"""The two of Google's internal parameters that tell something to others → their name in Google's documents."""
INTERNAL: Final = ("x-ga-", "x-sst-")
"""Begins the names of Google's internal parameters."""
NO_PARAMETERS: Final = frozenset(
    {
        *VISITOR,
        *PAGE.values(),
        *USER_PROPERTIES,
        *("user_id", "user_agent", "client_hints", "language", "ga_session_id", "session_id", "screen_resolution"),
        *("user_location", "device", "consent_state", "timestamp_micros"),
        *("viewport_size", "page_hostname", "page_encoding", "non_personalized_ads", "validation_behavior"),
        *("ip_override", "user_data"),
    }
)
"""Common event data that is no parameter of the event: it has its place elsewhere, or none, as the visitor's address, e-mail and
telephone."""

# The protocol of gtag.js.

TEXT: Final = "ep."
NUMBER: Final = "epn."
USER_TEXT: Final = "up."
USER_NUMBER: Final = "upn."
GTAG: Final[Mapping[str, str]] = {
    "en": "event_name",
    "tid": "x-ga-measurement_id",
    "cid": "client_id",
    "uid": "user_id",
    "sid": "ga_session_id",
    "sct": "ga_session_number",
    "seg": "x-ga-mp2-seg",
    "tt": "x-ga-mp2-tt",
    "_p": "x-ga-page_id",
    "_s": "x-ga-request_count",
    "_et": "engagement_time_msec",
    "_dbg": "debug_mode",
    "dl": "page_location",
    "dr": "page_referrer",
    "dt": "page_title",
    "ul": "language",
    "sr": "screen_resolution",
    "cu": "currency",
    "cs": "x-ga-mp2-cs",
    "cm": "x-ga-mp2-cm",
    "cn": "x-ga-mp2-cn",
    "ck": "x-ga-mp2-ck",
    "cc": "x-ga-mp2-cc",
    "gcs": "x-ga-gcs",
    "gcd": "x-ga-gcd",
    "gcu": "x-ga-gcu",
    "gtm": "x-ga-gtm_version",
}
"""Parameter → common event data. What is not listed is Google's own affair, or a person's (`_uip`, `em`), and is not read."""
ITEM: Final[Mapping[str, str]] = {
    "id": "item_id",
    "nm": "item_name",
    "br": "item_brand",
    "ca": "item_category",
    "c2": "item_category2",
    "c3": "item_category3",
    "c4": "item_category4",
    "c5": "item_category5",
    "va": "item_variant",
    "pr": "price",
    "qt": "quantity",
    "cp": "coupon",
    "ds": "discount",
    "lp": "index",
    "ln": "item_list_name",
    "li": "item_list_id",
    "af": "affiliation",
    "lo": "location_id",
    "pi": "promotion_id",
    "pn": "promotion_name",
    "cn": "creative_name",
    "cs": "creative_slot",
}
"""The two letters that begin a field of an item → the field. `k0` begins the name of a shop's own, `v0` its value."""

ITEM_NUMBERS: Final = frozenset({"pr", "qt", "ds", "lp"})
NO_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})
"""What JavaScript writes of a number that is none; in JSON it writes null."""

PURPOSES: Final = ("ad_storage", "analytics_storage", "ad_user_data", "ad_personalization")
"""What consent mode asks for, in the order of its short forms."""
SHORT_FORMS: Final[Mapping[str, bool]] = {
    "1": True,
    "0": False,
    **dict.fromkeys("pqmu", False),
    **dict.fromkeys("trnv", True),
}
"""What a digit of `gcs` or a letter of `gcd` says of a purpose in the end: by default, or by the visitor's answer where there is one."""
