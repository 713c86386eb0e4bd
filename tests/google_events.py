"""Events as gtag.js, the Measurement Protocol and server-side Tag Manager send them, for tests."""

from typing import Any
from urllib.parse import quote

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148 Safari/604.1"
PAGE = {
    "v": "2",
    "tid": "demo",
    "gtm": "45je57g1v898116370za200",
    "_p": "1772452790123",
    "gcd": "13l3l3l3l1l1",
    "npa": "0",
    "dma": "0",
    "tag_exp": "101509157~103116026",
    "cid": "1257382463.1695261066",
    "ul": "fr-fr",
    "sr": "390x844",
    "uamb": "1",
    "uap": "iOS",
    "uafvl": "Chromium;122.0.6261.69|Not(A%3ABrand;24.0.0.0|Google%20Chrome;122.0.6261.69",
    "frm": "0",
    "pscdl": "noapi",
    "_eu": "AEAAAAQ",
    "_uip": "198.51.100.77",
    "sid": "1772452790",
    "sct": "3",
    "seg": "1",
    "dl": "https://shop.example/lamp?utm_source=mail",
    "dr": "https://r.example/",
    "dt": "Lamp – shop",
}
"""What gtag.js says of a page with each of its events."""
LAMP = (
    "idsku-1~nmLamp~brLux~caLight~c2Desk~vaBlue~pr25.5~qt2~cpTEA10~ds1.5~lp3~lnHome~lihome_list~afWeb~k0colour~v0blue"
)


def encoded(parameters: dict[str, str]) -> str:
    """As JavaScript's encodeURIComponent writes it."""
    return "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in parameters.items())


def gtag_path(name: str, **parameters: str) -> str:
    """Address of a request of gtag.js with one event; `ep__x` stands for `ep.x`."""
    own = {key.replace("__", "."): value for key, value in parameters.items()}
    return "/g/collect?" + encoded({**PAGE, "_s": "1", "en": name, **own})


def measurement(*events: Any, **fields: Any) -> dict[str, Any]:
    """A body of the Measurement Protocol."""
    return {"client_id": "1257382463.1695261066", "events": list(events), **fields}


def common(name: str, **parameters: Any) -> dict[str, Any]:
    """An event as server-side Tag Manager has it."""
    return {
        "event_name": name,
        "x-ga-protocol_version": "2",
        "x-ga-measurement_id": "demo",
        "x-ga-gtm_version": "45je39i0",
        "x-ga-page_id": 1061079922,
        "x-ga-request_count": 4,
        "x-ga-mp2-seg": "1",
        "x-ga-ur": "US-TX",
        "x-sst-system_properties": {"uc": "US", "request_start_time_ms": 1772452799990},
        "x-ga-js_client_id": "1257382463.1695261066",
        "client_id": "oEzstqb1SUkULygCXFzTFuOZPnG9GItyNJIo8t9tCi0=.1695261066",
        "client_hints": {"mobile": True, "platform": '"iOS"', "brands": [{"brand": "Chromium", "version": "116"}]},
        "language": "fr-fr",
        "screen_resolution": "390x844",
        "ga_session_id": "1772452790",
        "ga_session_number": 3,
        "page_location": "https://shop.example/lamp?utm_source=mail",
        "page_referrer": "https://r.example/",
        "page_title": "Lamp – shop",
        "ip_override": "198.51.100.77",
        "user_agent": IPHONE,
        "user_data": {
            "email_address": "ada@example.com",
            "sha256_phone_number": "ab12",
            "address": [{"city": "Paris"}],
        },
        **parameters,
    }
