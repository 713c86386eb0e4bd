"""A worker that cannot go on says so by ending: stuck, hung, without Kafka, or asked to stop while Kafka is away."""

import contextlib
import signal
import time
from pathlib import Path

import pytest

from contracts.codec import DEAD_LETTER_DECODER, DECISION_DECODER
from contracts.topics import DECISIONS, EVENTS, EVENTS_DLQ, PARTITIONS
from runtime.kafka import create_topics, durable_producer
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import broker_service
from shopstream.ports import free_port
from shopstream.supervise import Supervisor
from tests.apache_kafka.server import apache_kafka_service
from tests.apache_kafka.server import missing as apache_kafka_missing
from tests.conftest import skip_unless_ci
from tests.kafka_records import records_on
from tests.waiting import until
from tests.worker import READY_S, click, working


@pytest.mark.parametrize(
    ("flaw", "says"), [("agent-waits", "nothing was committed for"), ("fold-hangs", "Timeout (0:00:10)!")]
)
def test_a_worker_that_gets_nowhere_ends_so_that_its_supervisor_starts_a_new_one(
    broker: KafkaSettings, tmp_path: Path, flaw: str, says: str
) -> None:
    settings = {"SHOPSTREAM_PROCESS_STUCK_AFTER_S": "10"}
    with working(broker, tmp_path / "process.log", "tests.stuck_process", flaw, **settings) as worker:
        until(worker.is_ready, READY_S, worker.said)
        click(broker)
        assert worker.ends_with(60) == 1
        assert says in worker.log.read_text()


def test_a_worker_whose_output_kafka_did_not_take_ends_before_it_commits_what_comes_after(
    broker: KafkaSettings, tmp_path: Path
) -> None:
    log = tmp_path / "process.log"
    with working(broker, log, "tests.stuck_process", "send-fails") as worker:
        until(worker.is_ready, READY_S, worker.said)
        click(broker)
        click(broker)
        assert worker.ends_with(60) == 1
        assert "the stream processor crashed: KafkaTimeoutError" in log.read_text()
    with working(broker, log) as worker:
        until(worker.is_ready, READY_S, worker.said)
        assert DECISION_DECODER.decode(records_on(broker, DECISIONS.name, 1)[-1].value).event_count == 2


def test_bytes_that_nobody_can_read_do_not_stop_a_worker(broker: KafkaSettings, tmp_path: Path) -> None:
    poison = [b"", b"{not json", b'{"visitor_id":"\xff"}', b'{"more":' + b"[" * 100_000]
    with working(broker, tmp_path / "process.log") as worker:
        until(worker.is_ready, READY_S, worker.said)
        producer = durable_producer(broker)
        for raw in poison:
            producer.send(EVENTS.name, raw, key=b"ada", partition=3).get(20)
        producer.close()
        click(broker)
        assert DECISION_DECODER.decode(records_on(broker, DECISIONS.name, 1)[-1].value).event_count == 1
        letters = [DEAD_LETTER_DECODER.decode(each.value) for each in records_on(broker, EVENTS_DLQ.name, len(poison))]
        assert [letter.raw for letter in letters] == poison
        assert {(letter.stage, letter.code) for letter in letters} == {("sessionize", "undecodable")}
        assert worker.is_ready()


def test_a_worker_whose_state_cannot_be_recovered_ends_instead_of_going_on_without_it(
    broker: KafkaSettings, tmp_path: Path
) -> None:
    with working(broker, tmp_path / "process.log", "tests.stuck_process", "state-unreadable") as worker:
        assert worker.ends_with(60) == 1
        assert "this state cannot be read" in worker.log.read_text()


def test_a_worker_that_is_never_ready_ends(broker: KafkaSettings, tmp_path: Path) -> None:
    with working(broker, tmp_path / "process.log", SHOPSTREAM_PROCESS_RECOVERY_TIMEOUT_S="0.5") as worker:
        assert worker.ends_with(60) == 1
        assert "SHOPSTREAM_PROCESS_RECOVERY_TIMEOUT_S" in worker.log.read_text()


@pytest.mark.parametrize("kind", ["embedded", "apache-kafka"])
def test_asked_to_stop_while_kafka_is_away_it_leaves_in_time(kind: str, tmp_path: Path) -> None:
    if kind == "apache-kafka" and (reason := apache_kafka_missing()):
        skip_unless_ci(reason)
    port = free_port()
    service = (
        apache_kafka_service(tmp_path, port) if kind == "apache-kafka" else broker_service(tmp_path / "kafka.log", port)
    )
    supervisor = Supervisor(say=lambda _: None)
    supervisor.start(service)
    kafka = KafkaSettings(brokers=(f"127.0.0.1:{port}",))
    try:
        until(lambda: service.ready() is None, READY_S)
        create_topics(kafka)
        with working(kafka, tmp_path / "process.log") as worker:
            until(worker.is_ready, READY_S, worker.said)
            click(kafka)
            assert len(records_on(kafka, DECISIONS.name, 1)) == 1
            supervisor.stop_all(at_most_s=10)
            time.sleep(2)
            lines_before = worker.log.read_text().count("\n")
            time.sleep(2)
            lines_since = worker.log.read_text().count("\n") - lines_before
            worker.process.send_signal(signal.SIGTERM)
            assert worker.ends_with(10) == 0, worker.said()
            assert lines_since < 200, "a broker that is away must not flood the log"
    finally:
        supervisor.stop_all()


def test_a_worker_waits_for_a_kafka_and_for_topics_that_are_not_there_yet(tmp_path: Path) -> None:
    port = free_port()
    kafka = KafkaSettings(brokers=(f"127.0.0.1:{port}",))
    supervisor = Supervisor(say=lambda _: None)
    with working(kafka, tmp_path / "process.log") as worker:
        try:
            until(lambda: "trying again until it works" in worker.log.read_text(), READY_S)
            service = broker_service(tmp_path / "broker.log", port)
            supervisor.start(service)
            until(lambda: "topic events is missing" in worker.log.read_text(), READY_S, worker.said)
            create_topics(kafka)
            until(worker.is_ready, READY_S, worker.said)
        finally:
            supervisor.stop_all()


def test_a_worker_whose_topic_has_another_number_of_partitions_says_so_and_ends(
    broker: KafkaSettings, tmp_path: Path
) -> None:
    with working(broker, tmp_path / "process.log", SHOPSTREAM_KAFKA_PARTITIONS="12") as worker:
        assert worker.ends_with(60) == 1
        assert "topic events has 6 partitions and Shopstream needs 12" in worker.log.read_text()


def test_three_workers_share_the_partitions_evenly_and_take_over_from_one_that_leaves(
    either_broker: KafkaSettings, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(working(either_broker, tmp_path / f"{number}.log")) for number in range(3)]

        def shares() -> list[int]:
            return [worker.partitions() for worker in workers if worker.process.poll() is None and worker.is_ready()]

        def all_said() -> list[str]:
            return [worker.said() for worker in workers]

        until(lambda: shares() == [2, 2, 2], 120, all_said)
        workers[0].process.send_signal(signal.SIGTERM)
        assert workers[0].ends_with(10) == 0
        until(lambda: shares() == [3, 3], 60, all_said)
        for number in range(20):
            click(either_broker, f"v{number}")
        decisions = [DECISION_DECODER.decode(each.value) for each in records_on(either_broker, DECISIONS.name, 20)]
        assert {each.visitor_id for each in decisions} == {f"v{number}" for number in range(20)}
        assert PARTITIONS == 6
