"""The stream processor as its own process, on an embedded broker and on Apache Kafka: exact, also after SIGKILL."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition

from contracts.codec import DECISION_DECODER, ENCODER, SESSION_FEATURES_DECODER
from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.topics import DECISIONS, EVENTS, PARTITIONS, SESSION_FEATURES, Topic
from models.session_features import features_of
from models.visitor import Visitor
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from shopstream.probes import ready_check
from shopstream.supervise import Service, Supervisor
from tests.factories import event
from tests.waiting import until

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG = 90.0


def stream_processor(kafka: KafkaSettings, folder: Path, name: str = "process", **settings: str) -> Service:
    port = free_port()
    environ = {
        **os.environ,
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
        "SHOPSTREAM_PROCESS_PORT": str(port),
        "SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S": "6",
        **settings,
    }
    return Service(
        name=name,
        command=(sys.executable, "-m", "shopstream", "process"),
        log=folder / f"{name}.log",
        ready=ready_check(f"http://127.0.0.1:{port}"),
        environ=environ,
    )


class Reader:
    """Reads a topic from its beginning, keeping the newest record of each session."""

    def __init__(self, kafka: KafkaSettings, topic: Topic, decoder: msgspec.json.Decoder[Any]) -> None:
        self._consumer = KafkaConsumer(bootstrap_servers=list(kafka.brokers), enable_auto_commit=False)
        partitions = [TopicPartition(topic.name, number) for number in range(PARTITIONS)]
        self._consumer.assign(partitions)
        self._consumer.seek_to_beginning(*partitions)
        self._decoder = decoder
        self.newest: dict[str, SessionFeatures | Decision] = {}

    def read(self) -> None:
        for records in self._consumer.poll(timeout_ms=100).values():
            for record in records:
                value = self._decoder.decode(record.value)
                self.newest[value.session_id] = value
                for replaced in getattr(value, "replaces", ()):
                    self.newest.pop(replaced, None)

    def close(self) -> None:
        self._consumer.close()


def clicks(count: int, visitors: int, chance: Random) -> list[Event]:
    """Events of many visitors, one a millisecond of event time, with some told twice and some late."""
    names = ["page_view", "view_item", "add_to_cart", "user_engagement"]
    made = [
        event(
            chance.choice(names),
            START + timedelta(milliseconds=number - chance.choice([0, 0, 0, 50])),
            message_id=f"m{number}",
            visitor_id=f"v{chance.randrange(visitors)}",
            value=10.0,
        )
        for number in range(count)
    ]
    return made + chance.sample(made, count // 20)


def final_features(events: list[Event]) -> dict[str, SessionFeatures]:
    """What the same fold gives without Kafka."""
    visitors: dict[str, Visitor] = {}
    for each in events:
        visitors.setdefault(each.visitor_id, Visitor(each.visitor_id)).observe(each)
    features = [features_of(visitor, session, "") for visitor in visitors.values() for session in visitor.sessions]
    return {each.session_id: each for each in features}


def comparable(features: SessionFeatures) -> SessionFeatures:
    """Without what depends on how events were cut into polls."""
    return msgspec.structs.replace(features, caused_by="", received_at=START)


def differences(expected: dict[str, SessionFeatures], features: Reader, decisions: Reader) -> list[str]:
    """In which sessions the newest features and decisions on the log tell another number of events than expected."""
    features.read()
    decisions.read()
    counts = {key: each.event_count for key, each in expected.items()}
    found = []
    for topic, newest in (("features", features.newest), ("decisions", decisions.newest)):
        told = {key: newest[key].event_count for key in newest if topic == "features" or key in counts}
        found += [
            f"{topic} of {key}: {told.get(key)} events told, {counts.get(key)} expected"
            for key in counts.keys() | told.keys()
            if told.get(key) != counts.get(key)
        ]
    return found


def nothing(_: Path) -> None:
    """What is on disk stays as it is."""


def delete(state_dir: Path) -> None:
    shutil.rmtree(state_dir)


def spoil(state_dir: Path) -> None:
    """Nonsense in the middle of every file that RocksDB keeps data in."""
    spoiled = [file for kind in ("*.sst", "*.log") for file in state_dir.rglob(kind) if file.stat().st_size > 1_500]
    assert spoiled
    for file in spoiled:
        with file.open("r+b") as data:
            data.seek(file.stat().st_size // 3)
            data.write(b"nonsense" * 50)


STORES = [
    pytest.param("memory", nothing, nothing, id="memory"),
    pytest.param("rocksdb", nothing, spoil, id="rocksdb kept, then spoiled"),
    pytest.param("rocksdb", spoil, delete, id="rocksdb spoiled, then deleted"),
]


@pytest.mark.parametrize(("store", "first", "second"), STORES)
def test_killed_twice_in_the_middle_nothing_is_lost_and_nothing_counted_twice(
    either_broker: KafkaSettings,
    tmp_path: Path,
    store: str,
    first: Callable[[Path], None],
    second: Callable[[Path], None],
) -> None:
    events = clicks(12_000, 1_500, Random(4))
    expected = {key: comparable(value) for key, value in final_features(events).items()}
    supervisor = Supervisor(say=lambda _: None)
    state_dir = tmp_path / "state"
    settings = {"SHOPSTREAM_PROCESS_STORE": store, "SHOPSTREAM_PROCESS_STATE_DIR": str(state_dir)}
    supervisor.start(stream_processor(either_broker, tmp_path, **settings))
    producer = durable_producer(either_broker)
    features = Reader(either_broker, SESSION_FEATURES, SESSION_FEATURES_DECODER)
    decisions = Reader(either_broker, DECISIONS, DECISION_DECODER)

    def kill_after_some_features(seen: int, then: Callable[[Path], None]) -> None:
        def enough() -> bool:
            supervisor.watch()
            features.read()
            (run,) = supervisor.runs()
            return run.state == "ready" and len(features.newest) >= seen

        until(enough, LONG, said)
        (run,) = supervisor.runs()
        assert run.process is not None
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
        then(state_dir)

    def said() -> str:
        return (tmp_path / "process.log").read_text()[-3000:]

    def what_differs() -> list[str]:
        supervisor.watch()
        return differences(expected, features, decisions)

    try:
        third = len(events) // 3
        for number, each in enumerate(events):
            producer.send(EVENTS.name, key=each.visitor_id.encode(), value=ENCODER.encode(each))
            if number == third:
                producer.flush()
                kill_after_some_features(300, first)
            if number == 2 * third:
                producer.flush()
                kill_after_some_features(900, second)
        producer.flush()
        until(lambda: not what_differs(), LONG, lambda: f"{what_differs()}\n{said()}")
        got = {key: comparable(each) for key, each in features.newest.items() if isinstance(each, SessionFeatures)}
        assert got == expected
        if second is spoil:  # by then the first restart has made tables of its log, with checksums
            assert "rebuilt from the changelog" in (tmp_path / "process.log").read_text()
    finally:
        features.close()
        decisions.close()
        producer.close()
        supervisor.stop_all()


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
def test_partitions_that_go_to_another_worker_and_come_back_bring_every_visitors_state(
    either_broker: KafkaSettings, tmp_path: Path, store: str
) -> None:
    events = clicks(8_000, 1_000, Random(5))
    expected = {key: comparable(value) for key, value in final_features(events).items()}
    settings = {"SHOPSTREAM_PROCESS_STORE": store, "SHOPSTREAM_PROCESS_STATE_DIR": str(tmp_path / "state")}
    workers = {
        name: stream_processor(either_broker, tmp_path, name, **settings) for name in ("process-one", "process-two")
    }
    supervisor = Supervisor(say=lambda _: None)
    producer = durable_producer(either_broker)
    features = Reader(either_broker, SESSION_FEATURES, SESSION_FEATURES_DECODER)
    decisions = Reader(either_broker, DECISIONS, DECISION_DECODER)
    quarter = len(events) // 4

    def send(number: int) -> None:
        """A quarter of the events; returns once they are folded, told by the log."""
        so_far = events[: (number + 1) * quarter] if number < 3 else events
        for each in events[number * quarter : len(so_far)]:
            producer.send(EVENTS.name, key=each.visitor_id.encode(), value=ENCODER.encode(each))
        producer.flush()
        wanted = final_features(so_far)

        def found() -> list[str]:
            return differences(wanted, features, decisions)

        until(lambda: not found(), LONG, lambda: f"after quarter {number}: {found()}")

    try:
        supervisor.start(workers["process-one"])
        assert supervisor.wait_until_ready(LONG, threading.Event())
        send(0)
        supervisor.start(workers["process-two"])
        assert supervisor.wait_until_ready(LONG, threading.Event())
        send(1)
        supervisor.stop("process-one")
        send(2)
        supervisor.start(workers["process-one"])
        assert supervisor.wait_until_ready(LONG, threading.Event(), "process-one")
        send(3)
        got = {key: comparable(each) for key, each in features.newest.items() if isinstance(each, SessionFeatures)}
        assert got == expected
    finally:
        features.close()
        decisions.close()
        producer.close()
        supervisor.stop_all()
