"""What could come from Google's tag, the Measurement Protocol and Tag Manager, and much that could not. Each event tells its place or its
time, from which its id is made."""

import json
from typing import Any, Final
from urllib.parse import urlencode

from hypothesis import strategies as st

from producers.ingest.vocabulary import ga4
from tests.hostile.rubbish import ANY, DIGITS, EVENT_NAMES, IDS, NAMES, NASTY, OBJECTS, TIMES

_GTAG_NAMES: Final = st.sampled_from([*ga4.GTAG, "uamb", "uap", "uafvl", "pr1", "pr200", "pr999", "_uip", "em"])
_GTAG_OWN: Final = st.builds(
    lambda begin, name: begin + name,
    st.sampled_from([ga4.TEXT, ga4.NUMBER, ga4.USER_TEXT, ga4.USER_NUMBER]),
    NAMES | st.sampled_from(["event_name", "client_id", "params", "user_data.email", ""]),
)
GTAG: Final = st.builds(
    lambda own, event: {"_p": "1772452790123", **own, **event},
    st.dictionaries(_GTAG_NAMES | _GTAG_OWN | NASTY, NASTY | DIGITS, max_size=12),
    st.fixed_dictionaries(
        {"en": st.sampled_from(["purchase", "page_view", "lit"]) | NASTY, "cid": st.just("ada") | NASTY}
    ),
)
_PARAMS: Final = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("session_id", "ga_session_number", "engagement_time_msec", "value", "transaction_id"), IDS),
        **dict.fromkeys(("items", "consent", "consent_state", "user_properties", "user_data", "device"), ANY),
        **dict.fromkeys(("page_location", "page_title", "language", "screen_resolution", "user_agent"), NASTY | ANY),
        **dict.fromkeys(("client_hints", "user_location", "x-ga-gcs", "x-ga-gcd", "x-ga-ur"), OBJECTS | NASTY | ANY),
        **dict.fromkeys(("x-sst-system_properties", "x-ga-mp2-user_properties"), OBJECTS | ANY),
    },
)
_MICROS: Final = st.integers(-(2**60), 2**60) | TIMES
TAG_MANAGER: Final = st.builds(
    lambda params, event: {**params, "x-ga-page_id": 7, "x-ga-request_count": 3, **event},
    _PARAMS,
    st.fixed_dictionaries(
        {"event_name": EVENT_NAMES | NASTY, "client_id": st.just("ada") | IDS},
        optional={"timestamp_micros": _MICROS, "params": OBJECTS | ANY, "user_id": IDS},
    ),
)
MEASUREMENT: Final = st.fixed_dictionaries(
    {"name": EVENT_NAMES | NASTY, "timestamp_micros": st.just(1_772_452_800_000_000) | _MICROS.filter(bool)},
    optional={"params": _PARAMS | ANY, "client_id": IDS, "user_id": IDS},
)


def lines(events: list[Any]) -> bytes:
    """A body of gtag.js; what is no event of it is some text."""
    return b"\r\n".join(
        urlencode(event, errors="surrogatepass").encode()
        if isinstance(event, dict) and event
        else json.dumps(event).encode()
        for event in events
    )
