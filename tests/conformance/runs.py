"""Runs one SDK against every answer at once, and says what it did and what became of its events."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Final

from contracts.codec import EVENT_DECODER
from contracts.events import Event
from runtime.settings import KafkaSettings
from tests.conformance.front import Fault, Front, front_of
from tests.kafka_records import records_on

FAULTS: Final[Mapping[Fault, float]] = {
    "200": 0,
    # These last: an SDK that does not give up would go on for ever.
    "400": float("inf"),
    "401": float("inf"),
    "413": float("inf"),
    "429": 2,
    "503": 2,
    "cut": 2,
}
"""What ingest answers → for how many requests."""
EVENTS_SENT: Final = 3
_QUIET_S: Final = 3.0
"""Longer than the first wait of every SDK, so that one more try would have been seen."""


@dataclass(frozen=True, slots=True)
class Ingest:
    url: str
    kafka: KafkaSettings


@dataclass(frozen=True, slots=True)
class Run:
    """What one SDK did when ingest answered one way, and what of it is on topic `events`, as often as it is there."""

    front: Front
    stored: list[Event]

    @property
    def stored_ids(self) -> set[str]:
        return {event.message_id for event in self.stored}


Send = Callable[[Sequence[str]], AbstractContextManager[None]]
"""Sends the three events to each URL, and keeps the SDK alive while the block runs."""


def runs_of(ingest: Ingest, send: Send, delivered: frozenset[Fault]) -> dict[Fault, Run]:
    """One run for every answer. Waits until all is delivered where it should be, and then for a time without requests."""
    with ExitStack() as stack:
        fronts = {fault: stack.enter_context(front_of(ingest.url, fault, times)) for fault, times in FAULTS.items()}
        with send([front.url for front in fronts.values()]):
            for fault, front in fronts.items():
                ids = (lambda f=front: f.delivered_ids) if fault in delivered else (lambda f=front: f.sent_ids)
                front.wait_for(lambda ids=ids: len(ids()) >= EVENTS_SENT, timeout_s=40)  # type: ignore[misc]
            for front in fronts.values():
                front.wait_for_quiet(_QUIET_S, timeout_s=30)
    on_topic = [EVENT_DECODER.decode(each.value) for each in records_on(ingest.kafka, "events", EVENTS_SENT)]
    return {
        fault: Run(front, [event for event in on_topic if event.message_id in front.sent_ids])
        for fault, front in fronts.items()
    }
