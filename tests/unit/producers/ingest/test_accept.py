"""One SDK call in, one event or the reason why not out."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import contracts
from contracts.codec import ENCODER
from contracts.events import Event
from producers.ingest.accept import NO_ENVELOPE, Envelope, event_of, event_of_bytes
from producers.ingest.rejections import Rejection
from producers.ingest.write_keys import DEMO, LOCAL

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EXAMPLES = Path(contracts.__file__).parent / "examples" / "ingest"


class Example(msgspec.Struct, forbid_unknown_fields=True):
    """One file of `contracts/examples/ingest`: a situation, what was sent and when, and what it became."""

    situation: str
    write_key: str
    received_at: datetime
    item: Any
    envelope: Envelope = Envelope()
    event: dict[str, Any] | None = None
    rejection: dict[str, Any] | None = None


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.stem)
def test_every_example_becomes_what_it_says(path: Path) -> None:
    # Not msgspec.json.decode: half an emoji is the point of one example.
    example = msgspec.convert(json.loads(path.read_text()), Example)
    key = LOCAL.named(example.write_key)
    assert key is not None
    verdict = event_of(example.item, envelope=example.envelope, write_key=key, received_at=example.received_at)
    assert json.loads(ENCODER.encode(verdict)) == (example.event or example.rejection)
    text = json.dumps(example.item).encode()
    from_text = event_of_bytes(
        text, envelope=example.envelope, write_key=key, received_at=example.received_at, max_bytes=32_768
    )
    assert from_text == verdict


def call(event: str = "page_view", **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "anonymousId": "ada", "messageId": "m1", **fields}


def accepted(item: dict[str, Any], envelope: Envelope = NO_ENVELOPE) -> Event:
    verdict = event_of(item, envelope=envelope, write_key=DEMO, received_at=NOON)
    assert isinstance(verdict, Event), verdict
    return verdict


def rejected(item: object) -> Rejection:
    verdict = event_of(item, write_key=DEMO, received_at=NOON)
    assert isinstance(verdict, Rejection), verdict
    return verdict


def custom_of(event: Event) -> Any:
    return msgspec.json.decode(event.custom)


def test_a_retry_without_message_id_is_the_same_event() -> None:
    first = accepted(call(messageId=None, sentAt="2026-03-02T11:59:59Z"))
    again = accepted(call(messageId="", sentAt="2026-03-02T11:59:30Z", receivedAt="x", _metadata={"retryCount": 2}))
    another = accepted(call(messageId=None, properties={"value": 1}))
    assert first.message_id == again.message_id != another.message_id


def test_a_call_with_its_own_time_of_sending_is_repaired_by_that_and_not_by_its_batchs() -> None:
    envelope = Envelope(sent_at="2026-03-02T12:00:00Z")
    own, the_batchs = (
        call(timestamp="2026-03-02T11:00:00Z", sentAt="2026-03-02T13:30:00+01:00"),
        call(timestamp="2026-03-02T11:00:00Z"),
    )
    times = [accepted(each, envelope).occurred_at for each in (the_batchs, own, the_batchs)]
    assert times == [NOON - timedelta(hours=1), NOON - timedelta(hours=1.5), NOON - timedelta(hours=1)]


def test_ids_have_no_control_characters() -> None:
    event = accepted(call(userId="u\x1b[1m\x85", messageId="m1\r\n", anonymousId="a\tda ä"))
    assert (event.user_id, event.message_id, event.visitor_id) == ("u[1m", "m1", "ada ä")
    assert rejected(call(anonymousId="\n")).code == "missing_identity"


@pytest.mark.parametrize(
    "nobody",
    ["undefined", "null", "None", "NaN", "[object Object]", " ", "00000000-0000-0000-0000-000000000000"],
)
def test_what_a_program_writes_that_has_no_id_is_none(nobody: object) -> None:
    event = accepted(call(userId=nobody, messageId=nobody))
    another = accepted(call(userId=nobody, messageId=nobody, properties={"value": 1}))
    assert (event.visitor_id, event.user_id) == ("ada", None)
    assert event.message_id != another.message_id
    assert accepted(call(anonymousId=nobody, userId="u1")).visitor_id == "user:u1"
    assert rejected(call(anonymousId=nobody, userId=nobody)).code == "missing_identity"


def test_zero_is_no_user_and_may_be_a_message() -> None:
    event = accepted(call(userId=0, messageId=0))
    assert (event.user_id, event.message_id) == (None, "0")


def test_whole_numbers_are_taken_as_ids() -> None:
    event = accepted(call(userId=12345.0, messageId=7))
    assert (event.user_id, event.message_id) == ("12345", "7")


@pytest.mark.parametrize("key", ["userId", "anonymousId", "messageId"])
@pytest.mark.parametrize("value", [True, 1.5, ["a"], {}, "x" * 129])
def test_an_id_is_a_short_text(key: str, value: object) -> None:
    assert rejected(call() | {key: value}).message == f"{key} must be a text of at most 128 characters"


def test_a_long_user_id_still_makes_a_visitor_id() -> None:
    event = accepted(call(anonymousId=None, userId="u" * 128))
    assert event.visitor_id.startswith("user:")
    assert len(event.visitor_id) <= 128
    assert event.user_id == "u" * 128


def test_what_the_batch_says_holds_for_calls_that_do_not_say_it_themselves() -> None:
    envelope = Envelope(context={"locale": "de-DE", "library": {"name": "batch"}}, sent_at="2026-03-02T13:00:00Z")
    event = accepted(call(timestamp="2026-03-02T12:59:50Z", context={"library": {"name": "own"}}), envelope)
    assert (event.context.locale, event.context.library_name) == ("de-DE", "own")
    assert event.occurred_at == NOON - timedelta(seconds=10)


def test_the_path_names_a_single_call() -> None:
    event = accepted({"anonymousId": "ada"}, Envelope(call_type="page"))
    assert event.event_name == "page_view"


def test_an_event_name_keeps_its_case_unless_it_is_known() -> None:
    assert accepted(call("PRODUCT viewed ")).event_name == "view_item"
    assert accepted(call(" Song Played")).event_name == "Song Played"


def test_a_custom_parameter_never_replaces_a_typed_one() -> None:
    event = accepted(call("identify me", properties={"value": 2}, items="seven", coupon=1))
    assert event.properties.value == 2
    assert custom_of(event) == {"_items": "seven", "_coupon": 1}


def test_traits_are_kept_where_segment_and_where_rudderstack_puts_them() -> None:
    segment = {**call(), "type": "identify", "traits": {"plan": "pro"}}
    rudderstack = {**call(), "type": "identify", "context": {"traits": {"plan": "pro", "email": "ada@example.com"}}}
    assert custom_of(accepted(segment)) == custom_of(accepted(rudderstack)) == {"plan": "pro"}
    assert custom_of(accepted({**rudderstack, "traits": {"plan": "free"}})) == {"plan": "free"}
    assert custom_of(accepted({**segment, "traits": None, "context": {"traits": "pro"}})) == {}


def test_an_empty_list_is_an_empty_object() -> None:
    assert accepted(call(properties=[])) == accepted(call())
    assert custom_of(accepted({**call(), "type": "identify", "traits": []})) == {}
    assert rejected(call(properties=["a"])).message == "properties must be an object"


def test_a_time_for_the_clock_repair_that_cannot_be_read_is_left_out() -> None:
    assert accepted(call(timestamp="2026-03-02T11:00:00Z", sentAt="soon")).occurred_at == NOON - timedelta(hours=1)


@pytest.mark.parametrize("depth", [64, 2_000, 100_000])
def test_deep_nesting_is_rejected(depth: int) -> None:
    raw = b'{"type":"track","event":"x","anonymousId":"a","properties":{"deep":' + b"[" * depth + b"]" * depth + b"}}"
    verdict = event_of_bytes(raw, write_key=DEMO, received_at=NOON, max_bytes=1_000_000)
    assert isinstance(verdict, Rejection)
    assert verdict.message == "nested deeper than 64 levels"


def test_many_shallow_items_are_not_deep() -> None:
    assert len(accepted(call("purchase", properties={"items": [{"item_id": "a"}] * 200})).properties.items) == 200


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a":1e999}', b'"\xff"', b'{"a":NaNo}', b'{"a":"NaN'])
def test_what_is_not_json_is_unparsable(raw: bytes) -> None:
    verdict = event_of_bytes(raw, write_key=DEMO, received_at=NOON, max_bytes=100)
    assert isinstance(verdict, Rejection)
    assert verdict.code == "unparsable"


def test_a_number_that_is_none_is_null_as_javascript_writes_it() -> None:
    raw = (
        b'{"type":"track","event":"purchase","anonymousId":"ada","properties":{"value":NaN,"items":[{"price":-Infinity},'
        b'{"price":2}],"rate":Infinity,"note":"NaN \\"-Infinity","\\\\":NaN}}'
    )
    told = event_of_bytes(raw, write_key=DEMO, received_at=NOON, max_bytes=1_000)
    assert isinstance(told, Event)
    assert (told.properties.value, [item.price for item in told.properties.items]) == (None, [None, 2])
    assert custom_of(told) == {"rate": None, "note": 'NaN "-Infinity', "\\": None}


def test_an_event_over_the_limit_is_too_large() -> None:
    verdict = event_of_bytes(b" " * 101, write_key=DEMO, received_at=NOON, max_bytes=100)
    assert verdict == Rejection(code="too_large", message="the event has 101 bytes; at most 100 are accepted")
