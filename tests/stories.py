"""Hypothesis strategies: what a visitor may do in ten hours, with every property and context that the fold reads."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from contracts.events import Context, Event, Properties

NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
VISITOR: Final = "ada"

TEA: Final = {"item_id": "tea", "price": 4.5, "item_category": "green"}
CUP: Final = {"item_id": "cup", "price": 12.0, "item_category": "ware"}
ACTS: Final = st.sampled_from(
    [
        ("page_view", {}),
        ("view_item", {"items": [TEA]}),
        ("view_item", {"items": [CUP, {"item_id": "gift"}], "is_page_view": True}),
        ("view_item_list", {}),
        ("select_item", {}),
        ("search", {"search_term": "oolong"}),
        ("add_to_cart", {"items": [{**TEA, "quantity": 3}]}),
        ("add_to_cart", {"items": [{**TEA, "price": 5.25}]}),
        ("add_to_cart", {"value": 7.25}),
        ("remove_from_cart", {"items": [{**TEA, "quantity": 2}]}),
        ("remove_from_cart", {"value": 3.0}),
        ("view_cart", {}),
        ("add_to_wishlist", {}),
        ("select_promotion", {"promotion_id": "p"}),
        ("coupon_applied", {"coupon": "c"}),
        ("begin_checkout", {}),
        ("scroll", {"percent_scrolled": 90.0, "engagement_time_msec": 5012.0}),
        ("add_payment_info", {}),
        ("purchase", {"value": 19.9, "transaction_id": "T1"}),
        ("purchase", {"value": 21.9, "transaction_id": "T1"}),
        ("purchase", {"value": 5.0}),
        ("user_engagement", {"engagement_time_msec": 1234.5678, "percent_scrolled": 40.0, "click_count": 2}),
        ("user_engagement", {"pointer_distance_px": 0.1, "percent_scrolled": 90.5, "rage_click_count": 1}),
        ("custom_thing", {"ga_session_number": 3}),
        ("page_view", {"ga_session_number": 2}),
    ]
)
PLACES: Final = st.sampled_from(
    [
        {},
        {"page_path": "/"},
        {"page_path": "/basket.html", "device_type": "mobile", "os": "iOS"},
        {"page_path": "/yourinfo.html", "device_type": "desktop", "country": "FR"},
        {"page_referrer": "https://news.example/", "os": "Windows"},
        {"campaign_source": "newsletter", "campaign_medium": "email", "country": "Canada"},
    ]
)
USERS: Final = st.sampled_from([None, None, None, None, "u1", "u2"])
MINUTES: Final = st.floats(0, 600, allow_nan=False).map(lambda minutes: round(minutes, 3))
"""Ten hours: well within the allowed lateness, so that all that happens is still open to change."""


def _event(
    number: int, act: tuple[str, dict[str, Any]], place: dict[str, Any], user: str | None, minutes: float
) -> Event:
    name, properties = act
    return Event(
        message_id=f"m{number}",
        write_key="demo",
        visitor_id=VISITOR,
        user_id=user,
        event_name=name,
        occurred_at=NOON + timedelta(minutes=minutes),
        received_at=NOON + timedelta(hours=12, seconds=number),
        properties=msgspec.convert(properties, Properties),
        context=msgspec.convert(place, Context),
    )


def _numbered(parts: list[tuple[Any, Any, Any, Any]]) -> list[Event]:
    return [_event(number, *part) for number, part in enumerate(parts)]


STORIES: Final = st.lists(st.tuples(ACTS, PLACES, USERS, MINUTES), min_size=1, max_size=25).map(_numbered)
"""Distinct events of one visitor, in any order of time."""


@st.composite
def arrivals(draw: st.DrawFn) -> list[Event]:
    """A story as it reaches the log: in any order, some events again and again."""
    story = draw(STORIES)
    again = draw(st.lists(st.sampled_from(story), max_size=10))
    return list(draw(st.permutations([*story, *again])))
