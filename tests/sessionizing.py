"""A sessionizer without Kafka: polls of records in, records to send out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import ConsumerRecord

from contracts.codec import ENCODER, OUTCOME_DECODER, SESSION_FEATURES_DECODER
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.outcomes import Outcome
from stream_processors.outbox import Outbox
from stream_processors.sessionize import Sessionizer
from stream_processors.shelves import MemoryShelf
from stream_processors.visitors import VisitorStore
from tests.shelved import states_on

NOW = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
GAP = timedelta(minutes=30)


class Shop:
    """A sessionizer with its store, fed polls of partition 3."""

    def __init__(self) -> None:
        self.states = states_on(lambda _: MemoryShelf())
        self.states.shelf(3)
        self.restart()
        self.sent: list[Any] = []
        self.all_records: list[ConsumerRecord[Any, Any]] = []
        self.written_at = 0
        self._offset = 0
        self._sent_count = 0

    def restart(self) -> None:
        self.store = VisitorStore(self.states, "visitors-changelog", 100)
        self.sessionizer = Sessionizer(self.store, GAP)
        self.sessionizer.recover(now=NOW)

    def poll(self, *values: Event | bytes, key: bytes | None = b"ada", now: datetime = NOW) -> None:
        self.records = [self._record(value, key) for value in values]
        self.all_records += self.records
        self.poll_again(now)

    def poll_again(self, now: datetime = NOW) -> None:
        self._collect(lambda outbox: self.sessionizer.fold(3, self.records, outbox, now=now))

    def begin_topic_anew(self) -> None:
        self._offset, self.written_at = 0, self.written_at + 1

    def sweep(self, now: datetime) -> None:
        self._collect(lambda outbox: self.sessionizer.sweep(outbox, now=now))

    def _record(self, value: Event | bytes, key: bytes | None) -> ConsumerRecord[Any, Any]:
        raw = value if isinstance(value, bytes) else ENCODER.encode(value)
        self._offset += 1
        return ConsumerRecord("events", 3, self._offset, self.written_at, 0, key, raw, 0, 0, 0, ())

    def _collect(self, act: Any) -> None:
        outbox = Outbox(None, "test")
        act(outbox)
        self.sent, self.tells_before_states = outbox._records, outbox.states_last
        end = self._sent_count + len(self.values("visitors-changelog"))
        self.store.sent(self.store.take(), {("visitors-changelog", 3): range(self._sent_count, end)})
        self._sent_count = end
        assert {partition for _, partition, *_ in self.sent} <= {3}

    def values(self, topic: str) -> list[bytes]:
        return [value for name, _, _, value, _ in self.sent if name == topic and value is not None]

    def features(self) -> list[SessionFeatures]:
        return [SESSION_FEATURES_DECODER.decode(value) for value in self.values("session-features")]

    def outcomes(self) -> list[Outcome]:
        return [OUTCOME_DECODER.decode(value) for value in self.values("outcomes")]

    def ce_ids(self, topic: str) -> list[str]:
        return [dict(headers)["ce_id"].decode() for name, _, _, _, headers in self.sent if name == topic]
