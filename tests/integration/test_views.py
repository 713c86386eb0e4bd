"""Every view answers its question."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from models.policy import Budget
from sql import files
from stream_processors.ledger import PostgresLedger
from tests.factories import at, dead_letter, decision, event, features, incentive, outcome
from tests.tables import Tables

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def shop(database: str) -> Iterator[Tables]:
    with Tables(database) as shop:
        yield shop


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The views ask the clock, and this module may have been imported long before its tests run."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC).replace(microsecond=0))


@pytest.mark.parametrize("is_empty", [True, False])
def test_every_view_can_be_read(shop: Tables, is_empty: bool) -> None:
    if not is_empty:
        shop.write(
            event(occurred_at=ago(minutes=1)),
            event("purchase", ago(minutes=1), value=3.0, items=[{"item_id": "pot"}]),
            event("user_engagement", ago(minutes=1), clicks=[{"x": 0.5, "y": 9.0}], page_height_px=900.0),
            features(ago(minutes=2), ago(minutes=1), session_id="s1", user_id="u1"),
            decision(ago(minutes=2), session_id="s1", incentive=incentive()),
            outcome(ago(minutes=2), ago(minutes=1), session_id="s1", purchase_count=1),
            dead_letter(ago(minutes=1)),
        )
        ledger = PostgresLedger(shop.dsn)
        ledger.reserve(Budget(name="discounts", per_day=30), Decimal(10))
        ledger.close()
    for name in files.views():
        rows = shop.view(name)
        assert is_empty or rows, name
        assert all(not isinstance(value, complex) for row in rows for value in row.values())


def test_money_and_rates_are_plain_numbers(shop: Tables) -> None:
    """A panel or a JSON encoder needs no special case for decimals."""
    with shop.connection, shop.connection.cursor() as cursor:
        cursor.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'public' and data_type = 'numeric' and table_name = any(%s)",
            (list(files.views()),),
        )
        assert cursor.fetchall() == []


def test_dashboard_realtime_is_the_last_24_hours(shop: Tables) -> None:
    shop.write(
        features(ago(minutes=12), ago(minutes=2), session_id="a", purchase_count=1, revenue=40.0),
        features(ago(minutes=50), ago(minutes=30), session_id="b", visitor_id="eve", cart_value=7.0),
        features(ago(hours=30), ago(hours=25), session_id="old", visitor_id="old", purchase_count=1, revenue=9.0),
        decision(ago(minutes=2), session_id="a", persona="Quick Buyer", likelihood=0.5),
        event("purchase", ago(minutes=3), value=40.0, transaction_id="T1"),
        event("purchase", ago(hours=26), value=9.0, transaction_id="T0", visitor_id="old"),
    )
    assert shop.view("dashboard_realtime") == [
        {
            "total_sessions": 2,
            "active_sessions": 1,
            "total_visitors": 2,
            "converted_sessions": 1,
            "conversion_rate": 0.5,
            "total_purchases": 1,
            "total_revenue": 40.0,
            "average_order_value": 40.0,
            "avg_session_time_s": 900.0,
            "average_likelihood": 0.5,
            "open_cart_value": 7.0,
            "top_persona": "Quick Buyer",
            "total_sessions_with_bots": 2,
            "bot_share": 0.0,
        }
    ]


def test_bots_are_in_no_total_but_in_those_that_say_so(shop: Tables) -> None:
    hour = ago(hours=1).replace(minute=0, second=0)
    for n, score in enumerate((None, 0.49, 0.5, 1.0)):
        who = f"v{n}"
        shop.write(
            features(hour, hour + timedelta(minutes=1), visitor_id=who, session_id=who, page_count=10, bot_score=score,
                     user_id="ada", purchase_count=1, revenue=10.0),
            decision(hour, visitor_id=who, session_id=who, incentive=incentive(f"i{n}")),
            event("purchase", hour + timedelta(seconds=30), visitor_id=who, value=10.0, bot_score=score),
        )  # fmt: skip
    (today,) = shop.view("dashboard_realtime")
    assert (today["total_sessions"], today["total_sessions_with_bots"], today["bot_share"]) == (2, 4, 0.5)
    assert (today["converted_sessions"], today["total_purchases"], today["total_revenue"]) == (2, 2, 20.0)
    (sold,) = shop.view("sales_by_day")
    assert (sold["purchases"], sold["revenue"]) == (2, 20.0)
    (lift,) = shop.view("incentive_performance")
    assert (lift["decided"], lift["conversions"]) == (2, 2)
    for name in ("funnel_by_hour", "channel_performance", "device_performance", "persona_distribution"):
        assert [row["sessions"] for row in shop.view(name)] == [2], name
    assert [row["events"] for row in shop.view("events_by_name")] == [2]
    (customer,) = shop.view("customers")
    assert (customer["sessions"], customer["purchases"], customer["revenue"]) == (2, 2, 20.0)
    (bots,) = shop.view("bot_share_by_hour")
    assert (bots["sessions_with_bots"], bots["sessions"], bots["bot_sessions"], bots["bot_share"]) == (4, 2, 2, 0.5)
    assert (bots["pages_with_bots"], bots["pages"]) == (40, 20)
    assert (bots["revenue_with_bots"], bots["revenue"]) == (40.0, 20.0)


def test_dashboard_realtime_of_an_empty_shop_is_one_row_of_zeros(shop: Tables) -> None:
    (row,) = shop.view("dashboard_realtime")
    assert (row["total_sessions"], row["conversion_rate"], row["total_revenue"]) == (0, 0, 0)


def test_incentive_performance_compares_the_arms(shop: Tables) -> None:
    for n in range(8):
        who, arm = f"v{n}", "treatment" if n < 4 else "holdout"
        shop.write(
            decision("12:00", visitor_id=who, session_id=who, arm=arm, incentive=incentive(f"i{n}")),
            features("12:00", "12:30", visitor_id=who, session_id=who),
        )
    shop.write(
        event("incentive_shown", "12:01", visitor_id="v0", incentive_id="i0"),
        event("incentive_accepted", "12:02", visitor_id="v0", incentive_id="i0"),
        event("purchase", "12:10", visitor_id="v0", value=10.0),
        event("purchase", "12:11", visitor_id="v0", value=5.0),
        event("purchase", "12:10", visitor_id="v1", value=10.0),
        event("purchase", "12:10", visitor_id="v4", value=20.0),
        event("purchase", "11:59", visitor_id="v5", value=20.0),  # before the decision, and not of this session
    )
    holdout, treatment = shop.view("incentive_performance", "arm")
    assert holdout == {
        "type": "discount", "arm": "holdout", "decided": 4, "offered": 0, "shown": 0, "accepted": 0, "dismissed": 0,
        "conversions": 1, "revenue": 20.0, "conversion_rate": 0.25, "lift": None,
    }  # fmt: skip
    assert treatment == {
        "type": "discount", "arm": "treatment", "decided": 4, "offered": 4, "shown": 1, "accepted": 1, "dismissed": 0,
        "conversions": 2, "revenue": 25.0, "conversion_rate": 0.5, "lift": 1.0,
    }  # fmt: skip


def test_a_purchase_before_the_incentive_is_not_its_merit(shop: Tables) -> None:
    shop.write(
        features("12:00", "12:30", session_id="s1"),
        event("purchase", "12:05", value=10.0),
        decision("12:10", session_id="s1", incentive=incentive()),
    )
    assert [row["conversions"] for row in shop.view("incentive_performance")] == [0]


def test_persona_distribution_is_of_all_sessions_with_a_decision(shop: Tables) -> None:
    for n, persona in enumerate(["Browser", "Browser", "Quick Buyer", "Browser"]):
        shop.write(
            features("12:00", visitor_id=f"v{n}", session_id=f"s{n}", purchase_count=n % 2, revenue=10.0 * (n % 2)),
            decision("12:00", visitor_id=f"v{n}", session_id=f"s{n}", persona=persona, likelihood=n / 10),
        )
    shop.write(features("12:00", visitor_id="undecided"))
    rows = shop.view("persona_distribution")
    assert [(row["persona"], row["sessions"], row["share"], row["converted_sessions"]) for row in rows] == [
        ("Browser", 3, 0.75, 2),
        ("Quick Buyer", 1, 0.25, 0),
    ]


def test_customers_are_one_on_all_their_devices_and_another_in_another_shop(shop: Tables) -> None:
    shop.write(
        features("12:00", visitor_id="phone", session_id="s1", user_id="u1"),
        features("13:00", visitor_id="laptop", session_id="s2", user_id="u1", purchase_count=1, revenue=20.0),
        features("14:00", visitor_id="laptop", session_id="s3", user_id="u1", purchase_count=2, revenue=15.0),
        features("12:00", visitor_id="theirs", session_id="s4", user_id="u1", write_key="other-shop"),
        features("12:00", visitor_id="nobody", session_id="s5"),
    )
    rows = shop.view("customers", order_by="sessions desc")
    assert [(row["write_key"], row["visitors"], row["sessions"], row["purchases"], row["revenue"]) for row in rows] == [
        ("demo", 2, 3, 3, 35.0),
        ("other-shop", 1, 1, 0, 0.0),
    ]
    assert rows[0]["visitor_ids"] == ["laptop", "phone"]


def test_funnel_by_hour_counts_a_session_in_the_hour_it_started(shop: Tables) -> None:
    shop.write(
        features("12:50", "13:10", visitor_id="a", product_view_count=3, add_to_cart_count=1, checkout_step_count=2, purchase_count=2, revenue=6.0),
        features("12:05", visitor_id="b", product_view_count=1),
        features("13:05", visitor_id="c"),
    )  # fmt: skip
    assert [tuple(row.values()) for row in shop.view("funnel_by_hour")] == [
        (at("12:00"), 2, 2, 1, 1, 1, 2, 6.0),
        (at("13:00"), 1, 0, 0, 0, 0, 0, 0.0),
    ]


def test_likelihood_distribution_puts_certainty_in_the_last_tenth(shop: Tables) -> None:
    for n, likelihood in enumerate([0.0, 0.05, 0.1, 0.95, 1.0]):
        shop.write(
            features("12:00", visitor_id=f"v{n}", session_id=f"s{n}"),
            decision("12:00", visitor_id=f"v{n}", session_id=f"s{n}", likelihood=likelihood),
        )
    rows = shop.view("likelihood_distribution")
    assert [(row["likelihood_from"], row["likelihood_to"], row["sessions"]) for row in rows] == [
        (0.0, 0.1, 2),
        (0.1, 0.2, 1),
        (0.9, 1.0, 2),
    ]


def test_live_sessions_are_the_open_ones_of_the_last_half_hour(shop: Tables) -> None:
    shop.write(
        features(ago(minutes=10), ago(minutes=1), session_id="now", cart_value=3.0, last_path="/cart"),
        features(ago(minutes=50), ago(minutes=40), session_id="gone", visitor_id="b"),
        features(ago(minutes=20), ago(minutes=20), session_id="closed", visitor_id="c", closed_at=ago(minutes=1)),
        decision(ago(minutes=9), session_id="now", incentive=incentive("i1")),
        decision(ago(minutes=2), session_id="now", incentive=incentive("i2", type="urgency"), event_count=2),
    )
    (row,) = shop.view("live_sessions")
    assert (row["session_id"], row["incentive_type"], row["cart_value"], row["last_path"], row["likelihood"]) == (
        "now",
        "urgency",
        3.0,
        "/cart",
        0.25,
    )


def test_session_story_tells_a_decision_after_the_event_it_answers(shop: Tables) -> None:
    shop.write(
        event("page_view", "12:00", message_id="m1"),
        event("add_to_cart", "12:01", message_id="m2", value=3.0),
        decision("12:01", session_id="s1", decision_id="d2", event_count=2, incentive=incentive()),
        decision("12:00", session_id="s1", decision_id="d1", event_count=1),
        features("12:00", "12:01", session_id="s1"),
    )
    rows = shop.view("session_story", "occurred_at, step", "session_id = 's1'")
    assert [(row["kind"], row["id"], row["name"]) for row in rows] == [
        ("event", "m1", "page_view"),
        ("decision", "d1", "decision"),
        ("event", "m2", "add_to_cart"),
        ("decision", "d2", "decision"),
    ]
    assert rows[2]["properties"] == {"value": 3.0}
    assert (rows[3]["incentive_type"], rows[3]["because"], rows[3]["latency_ms"]) == (
        "discount",
        ["one page view"],
        20.0,
    )


def test_decision_latency_is_from_receipt_to_decision(shop: Tables) -> None:
    minute = ago(minutes=3).replace(second=0)
    for n, ms in enumerate((10, 20, 30)):
        shop.write(decision(minute, decided_at=minute + timedelta(milliseconds=ms), decision_id=f"d{n}"))
    assert shop.view("decision_latency_by_minute") == [
        {"minute": minute, "decisions": 3, "p50_ms": 20.0, "p95_ms": 29.0, "p99_ms": 29.8}
    ]


def test_sales_by_day_are_days_of_utc(shop: Tables) -> None:
    shop.write(
        event("purchase", datetime(2019, 10, 1, 23, 59, tzinfo=UTC), value=10.0),
        event("purchase", datetime(2019, 10, 2, 0, 0, tzinfo=UTC), value=5.5),
        event("purchase", datetime(2019, 10, 2, 9, 0, tzinfo=UTC), value=5.0, visitor_id="eve"),
    )
    assert [tuple(row.values()) for row in shop.view("sales_by_day")] == [
        (datetime(2019, 10, 1, tzinfo=UTC), 1, 1, 10.0, 10.0),
        (datetime(2019, 10, 2, tzinfo=UTC), 2, 2, 10.5, 5.25),
    ]


def test_dead_letters_by_reason_quotes_the_newest(shop: Tables) -> None:
    shop.write(dead_letter("12:00", message="old"), dead_letter("12:01", message="new"), dead_letter(code="unparsable"))
    rows = shop.view("dead_letters_by_reason", "code")
    assert [(row["code"], row["dead_letters"], row["latest_message"]) for row in rows] == [
        ("schema", 2, "new"),
        ("unparsable", 1, "properties.value must be a number"),
    ]
