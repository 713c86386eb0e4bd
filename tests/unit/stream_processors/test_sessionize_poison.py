"""What nobody can read or fold, and what is too large for Kafka: buried, and the rest goes on."""

from datetime import datetime, timedelta

import pytest

from contracts.codec import DEAD_LETTER_DECODER, ENCODER
from contracts.events import Event
from models.session import Session
from stream_processors.dead_letters import MAX_RAW_BYTES, dead_features
from stream_processors.visitors import MAX_STATE_BYTES
from tests.factories import event
from tests.sessionizing import NOW, Shop

KAFKA_TAKES_BYTES = 1_000_000
"""Of `message.max.bytes`, by default 1,048,588, some are the batch's, the key's and the headers'."""


@pytest.mark.parametrize("raw", [b"", b"{not json", b'{"visitor_id":"\xff"}', b'{"more":' + b"[" * 100_000])
def test_undecodable_bytes_become_a_dead_letter_with_their_place_and_the_rest_goes_on(raw: bytes) -> None:
    shop = Shop()
    shop.poll(raw, event())
    (letter,) = [DEAD_LETTER_DECODER.decode(value) for value in shop.values("events-dlq")]
    assert (letter.code, letter.source, letter.raw) == ("undecodable", "events/3/1", raw)
    assert len(shop.features()) == 1


@pytest.mark.parametrize("key", [None, b""])
def test_the_dead_letter_of_a_record_without_a_key_has_its_own_id_for_one(key: bytes | None) -> None:
    shop = Shop()
    shop.poll(b"{not json", key=key)
    ((_, _, told_key, raw, headers),) = shop.sent
    letter_id = DEAD_LETTER_DECODER.decode(raw).dead_letter_id.encode()
    assert (told_key, dict(headers)["ce_subject"]) == (letter_id, letter_id)


def test_one_event_that_cannot_be_folded_is_buried_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    add = Session.add

    def fragile(self: Session, each: Event, visitor_id: str) -> None:
        if each.event_name == "poison":
            raise ZeroDivisionError
        add(self, each, visitor_id)

    monkeypatch.setattr(Session, "add", fragile)
    shop = Shop()
    shop.poll(event(), event("poison"), event())
    assert [f.event_count for f in shop.features()] == [2]
    assert len(shop.values("events-dlq")) == 1


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+00:00", "9999-12-30T23:59:59+00:00", "9999-12-31T23:59:59+00:00"]
)
def test_a_time_at_the_end_of_all_time_is_buried_and_stops_nobody_else(moment: str) -> None:
    shop = Shop()
    shop.poll(event(occurred_at=datetime.fromisoformat(moment), visitor_id="eve"), event())
    assert [each.visitor_id for each in shop.features()] == ["ada"]
    (letter,) = [DEAD_LETTER_DECODER.decode(value) for value in shop.values("events-dlq")]
    assert letter.code == "unfoldable"
    assert "too near the first or the last day" in letter.message
    shop.restart()
    shop.sweep(NOW + timedelta(days=1))
    assert [each.visitor_id for each in shop.outcomes()] == ["ada"]


def test_a_visitor_with_more_than_a_record_can_hold_is_buried_and_stops_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stream_processors.visitors.MAX_STATE_BYTES", 2_000)
    shop = Shop()
    shop.poll(event("add_to_cart", "12:00", visitor_id="bot", items=({"item_id": "sencha"},)))
    orders = [event("add_to_cart", "12:01", visitor_id="bot", items=({"item_id": "sencha"},)) for _ in range(100)]
    shop.poll(*orders, event("page_view", "12:02", visitor_id="ada"))
    assert [each.visitor_id for each in shop.features()] == ["ada"]
    codes = [DEAD_LETTER_DECODER.decode(value).code for value in shop.values("events-dlq")]
    assert codes == ["visitor_too_large"] * 100
    shop.poll(event("page_view", "12:03", visitor_id="bot"))
    assert [each.event_count for each in shop.features()] == [2]


def test_a_visitor_whose_sums_no_record_can_hold_is_buried_and_stops_nobody_else() -> None:
    shop = Shop()
    shop.poll(*[event("user_engagement", click_count=2**63, visitor_id="bot") for _ in range(2)], event())
    assert [each.visitor_id for each in shop.features()] == ["ada"]
    assert [DEAD_LETTER_DECODER.decode(value).code for value in shop.values("events-dlq")] == ["visitor_too_large"] * 2


def test_bytes_that_make_too_large_a_dead_letter_for_kafka_are_buried_by_their_beginning() -> None:
    shop = Shop()
    shop.poll(b"x" * 1_000_000, event())
    (raw,) = shop.values("events-dlq")
    letter = DEAD_LETTER_DECODER.decode(raw)
    assert len(raw) < KAFKA_TAKES_BYTES
    assert letter.raw == b"x" * MAX_RAW_BYTES
    assert "the first 700,000 of its 1,000,000 bytes are kept" in letter.message


def test_every_record_made_of_the_largest_state_fits_a_record_of_kafka() -> None:
    """A session that always begins earlier has as many former ids as events, and features name them all."""
    shop = Shop()
    earlier = [event(occurred_at=NOW - timedelta(seconds=n)) for n in range(20_250)]
    shop.poll(*earlier)
    (state,) = shop.values("visitors-changelog")
    assert MAX_STATE_BYTES * 0.99 < len(state) <= MAX_STATE_BYTES
    (features,) = shop.features()
    letter = dead_features(3, features, code="undecidable", message="a bug", now=NOW)
    assert max(map(len, [*shop.values("session-features"), ENCODER.encode(letter)])) < KAFKA_TAKES_BYTES
