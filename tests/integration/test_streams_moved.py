"""Partitions move while a worker waits to fold what it has read of them: the other worker reads it as well, and it alone tells."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from contracts.codec import DECISION_DECODER, ENCODER, SESSION_FEATURES_DECODER
from contracts.events import Event
from contracts.topics import DECISIONS, EVENTS, SESSION_FEATURES
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from tests.factories import event
from tests.integration.test_streams import START, Reader, differences, final_features
from tests.waiting import until
from tests.worker import READY_S, working

VISITORS = 60


def send(kafka: KafkaSettings, events: Sequence[Event]) -> None:
    producer = durable_producer(kafka)
    for each in events:
        producer.send(EVENTS.name, key=each.visitor_id.encode(), value=ENCODER.encode(each))
    producer.flush()
    producer.close()


def visits(number: int, hours: float = 0.0, step: int = 1) -> list[Event]:
    """One event of each visitor, or of each second one."""
    at = START + timedelta(hours=hours, seconds=number)
    return [
        event("page_view", at, message_id=f"m{number}-{visitor}", visitor_id=f"v{visitor}")
        for visitor in range(0, VISITORS, step)
    ]


def test_what_waits_to_be_folded_while_its_partition_goes_is_told_by_the_other_worker_alone(
    broker: KafkaSettings, tmp_path: Path
) -> None:
    flag = tmp_path / "held-up"
    # The sessions of each second visitor are what the sweep ends.
    known = [*visits(0, step=2), *visits(1, hours=3)]
    events = [*known, *visits(2, hours=3)]
    features = Reader(broker, SESSION_FEATURES, SESSION_FEATURES_DECODER)
    decisions = Reader(broker, DECISIONS, DECISION_DECODER)

    def what_differs(events: Sequence[Event]) -> list[str]:
        expected = final_features(list(events))
        return [each for each in differences(expected, features, decisions) if each.startswith("features")]

    settings = {"HELD_UP_BY": str(flag), "SHOPSTREAM_PROCESS_CACHE_VISITORS": "1"}
    with working(broker, tmp_path / "first.log", "tests.stuck_process", "sweep-held-up", **settings) as first:
        until(first.is_ready, READY_S, first.said)
        flag.touch()
        send(broker, known)
        until(lambda: not what_differs(known), READY_S, first.said)
        until(lambda: "a sweep is held up" in first.log.read_text(), READY_S, first.said)
        send(broker, events[len(known) :])
        with working(broker, tmp_path / "second.log") as second:
            until(lambda: second.is_ready() and second.partitions(), READY_S, second.said)
            until(lambda: len(what_differs(events)) <= VISITORS * 0.7, READY_S, second.said)
            flag.unlink()
            last = [*events, *visits(3, hours=3)]
            send(broker, last[len(events) :])  # told after what waited
            until(lambda: not what_differs(last), READY_S, lambda: f"{what_differs(last)}")
    features.close()
    decisions.close()
