"""Whatever JSON comes, in whichever vocabulary: an event within bounds or a reason, never an exception, and twice the same."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.codec import DEAD_LETTER_DECODER, ENCODER, EVENT_DECODER
from contracts.events import Event, Properties
from producers.ingest.answers import Refusal
from producers.ingest.parameters import MAX_NUMBER
from producers.ingest.privacy import BY_DEFAULT
from producers.ingest.records import MAX_RAW_BYTES, dead_letter_of, dead_letter_record, event_record
from producers.ingest.write_keys import DEMO
from tests.hostile.mappings import LIMITS, MAPPINGS, UNLIKE
from tests.hostile.rubbish import ANY

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MAX_RECORD_BYTES = 1_000_000
"""What an unconfigured broker takes as one record."""

pytestmark = pytest.mark.parametrize("name", MAPPINGS)
thoroughly = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@thoroughly
@given(data=st.data())
def test_any_events_become_verdicts_and_the_same_ones_twice(name: str, data: st.DataObject) -> None:
    mapping = MAPPINGS[name]
    events = data.draw(st.lists(mapping.events | ANY, max_size=3))
    body = mapping.body(events)
    verdicts = mapping.verdicts(body, NOON)
    assert not isinstance(verdicts, Refusal), verdicts
    assert len(verdicts) == len(events) or not events  # of gtag.js, the query is an event then
    assert mapping.verdicts(body, NOON) == verdicts
    for verdict, raw in zip(verdicts, events or [None], strict=False):
        if isinstance(verdict, Event):
            require_storable(verdict)
        else:
            came = json.dumps(raw).encode()
            letters = [dead_letter_of(verdict, came, write_key=DEMO, received_at=NOON, path="/b") for _ in range(2)]
            assert letters[0] == letters[1]
            record = dead_letter_record(letters[0])
            assert DEAD_LETTER_DECODER.decode(record.value).raw == (
                BY_DEFAULT.kept_bytes(came, {}, (), MAX_RAW_BYTES) or b""
            )
            assert len(record.value) < MAX_RECORD_BYTES


@thoroughly
@given(data=st.data())
def test_an_id_that_is_not_given_is_the_same_when_the_event_is_sent_again(name: str, data: st.DataObject) -> None:
    mapping = MAPPINGS[name]
    event = data.draw(mapping.events)
    for changed in ("messageId", "eid", "id", "stm", "sentAt"):
        event.pop(changed, None)
    again = {**event, mapping.changes: "1772452805000"} if mapping.changes else event
    first, second = (
        mapping.verdicts(mapping.body([each]), later)
        for each, later in ((event, NOON), (again, NOON + timedelta(seconds=5)))
    )
    assert isinstance(first, list)
    assert isinstance(second, list)
    ids, ids_again = ([getattr(each, "message_id", None) for each in verdicts] for verdicts in (first, second))
    assert ids == ids_again
    assert not any(each and each.startswith(UNLIKE) for each in ids), "made of what was sent alone"


@thoroughly
@given(
    body=st.binary(max_size=80)
    | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | ANY.map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_read_or_refused(name: str, body: bytes) -> None:
    verdicts = MAPPINGS[name].verdicts(body, NOON)
    if isinstance(verdicts, Refusal):
        assert verdicts.status in (400, 413)


def require_storable(event: Event) -> None:
    """Every later step can take the event: it is within bounds, and its texts and numbers can be stored everywhere."""
    assert 0 < len(event.message_id) <= 128
    assert 0 < len(event.visitor_id) <= 128
    assert event.user_id is None or 0 < len(event.user_id) <= 128
    assert 0 < len(event.event_name) <= 128
    assert abs(event.occurred_at - NOON) <= timedelta(hours=24)
    assert all(abs(number) <= MAX_NUMBER for number in numbers_of(msgspec.to_builtins(event.properties)))
    record = event_record(event)
    assert EVENT_DECODER.decode(record.value) == event
    assert b"\\u0000" not in record.value.replace(b"\\\\", b"")
    # What came, once more as a context and at its longest as ids and texts.
    assert len(record.value) < 2 * LIMITS.max_event_bytes + 65_536
    custom = msgspec.json.decode(event.custom)
    assert not custom.keys() & set(Properties.__struct_fields__)
    assert ENCODER.encode(custom)


def numbers_of(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in numbers_of(each)]
    if isinstance(value, (list, tuple)):
        return [number for each in value for number in numbers_of(each)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []
