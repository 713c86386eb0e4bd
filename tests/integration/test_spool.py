"""Ingest as a process with a spool: what a 200 promises while Kafka is away, and whatever ends ingest meanwhile."""

import asyncio
import os
import resource
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from kafka.admin import NewTopic

from contracts.codec import EVENT_DECODER
from contracts.topics import EVENTS, Topic
from producers.ingest.publish import KafkaPublisher, Record
from producers.ingest.spool import Spool
from producers.ingest.spool_frames import Frame
from producers.ingest.spool_publisher import SpoolingPublisher
from runtime.kafka import admin, create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import broker_service, embedded_broker
from shopstream.ports import free_port
from shopstream.probes import figures_at
from shopstream.supervise import Supervisor
from tests.apache_kafka.server import apache_kafka, missing
from tests.conftest import skip_unless_ci
from tests.ingest_process import COMMAND, IngestProcess, ingest_process, track
from tests.kafka_records import records_on
from tests.waiting import until


def nowhere() -> KafkaSettings:
    return KafkaSettings(brokers=(f"127.0.0.1:{free_port()}",))


def port_of(kafka: KafkaSettings) -> int:
    return int(kafka.brokers[0].rpartition(":")[2])


def post(running: IngestProcess, *numbers: int) -> int:
    return running.post(*(track(str(number)) for number in numbers)).status


def stored(kafka: KafkaSettings, count: int) -> list[str]:
    """Message ids on the topic, each once, in the order in which they came first."""
    return list(
        dict.fromkeys(EVENT_DECODER.decode(record.value).message_id for record in records_on(kafka, EVENTS.name, count))
    )


def figure(running: IngestProcess, name: str) -> float:
    return (figures_at(f"http://127.0.0.1:{running.port}") or {}).get(name, -1.0)


def test_events_taken_while_kafka_is_away_reach_it_in_order_when_it_comes(tmp_path: Path) -> None:
    kafka = nowhere()
    with ingest_process(kafka, spool_dir=str(tmp_path / "spool")) as running:
        began = time.monotonic()
        assert [post(running, 2 * number, 2 * number + 1) for number in range(50)] == [200] * 50
        assert time.monotonic() - began < 10
        answer = running.ask("GET", "/readyz")
        assert (answer.status, answer.json["spool"]) == (200, "ok")
        assert answer.json["kafka"].startswith("degraded: no Kafka broker answers")
        assert figure(running, "ingest_spool_events") == 100
        assert figure(running, "ingest_kafka_up") == 0
        with embedded_broker(tmp_path, port_of(kafka)):
            create_topics(kafka)
            until(lambda: post(running, 100) == 200 and figure(running, "ingest_spool_events") == 0)
            assert post(running, 101) == 200
            assert stored(kafka, 102) == [str(number) for number in range(102)]
            assert running.ask("GET", "/readyz").json == {"kafka": "ok", "topics": "ok", "spool": "ok"}
            assert figure(running, "ingest_kafka_up") == 1
    assert list((tmp_path / "spool").iterdir()) == []


def test_sigkill_of_an_ingest_with_a_filled_spool_loses_nothing(tmp_path: Path) -> None:
    kafka, spool = nowhere(), tmp_path / "spool"
    with ingest_process(kafka, spool_dir=str(spool)) as running:
        assert [post(running, number) for number in range(40)] == [200] * 40
        running.process.kill()
        running.process.wait()
    segment = max(spool.iterdir())
    segment.write_bytes(segment.read_bytes() + segment.read_bytes()[:50])  # it was writing one more
    with embedded_broker(tmp_path, port_of(kafka)):
        create_topics(kafka)
        with ingest_process(kafka, spool_dir=str(spool)) as running:
            assert post(running, 40) == 200
            until(lambda: figure(running, "ingest_spool_events") == 0)
            assert stored(kafka, 41) == [str(number) for number in range(41)]
    assert list(spool.iterdir()) == []


def test_a_full_spool_is_a_503_that_says_when_to_come_again_and_heals(tmp_path: Path) -> None:
    kafka = nowhere()
    with ingest_process(kafka, spool_dir=str(tmp_path / "spool"), spool_max_bytes="8000") as running:
        statuses = [post(running, number) for number in range(40)]
        taken = statuses.index(503)
        assert statuses == [200] * taken + [503] * (40 - taken)
        refused = running.post(track("refused"))
        assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (503, "kafka_unavailable", "1")
        assert running.ask("GET", "/readyz").status == 503
        with embedded_broker(tmp_path, port_of(kafka)):
            create_topics(kafka)
            until(lambda: running.is_ready() and post(running, 100) == 200)
            assert stored(kafka, taken + 1) == [*map(str, range(taken)), "100"]


def test_a_full_disk_is_a_503_and_what_it_took_before_is_kept(tmp_path: Path) -> None:
    kafka = nowhere()
    with ingest_process(kafka, spool_dir=str(tmp_path / "spool")) as running:
        unlimited = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        first = [running.post(track(f"{number}", properties={"text": "x" * 4_000})).status for number in range(5)]
        assert first == [200, 200, 200, 503, 200]
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, unlimited)
        with embedded_broker(tmp_path, port_of(kafka)):
            create_topics(kafka)
            until(lambda: post(running, 100) == 200 and figure(running, "ingest_spool_events") == 0)
            assert stored(kafka, 5) == ["0", "1", "2", "4", "100"]


def test_sigterm_while_the_broker_is_frozen_answers_by_the_spool_and_the_next_ingest_publishes(tmp_path: Path) -> None:
    kafka, spool_dir = nowhere(), str(tmp_path / "spool")
    brokers = Supervisor(say=print)
    brokers.start(broker_service(tmp_path / "broker.log", port_of(kafka)))
    try:
        brokers.wait_until_ready(30, threading.Event())
        create_topics(kafka)
        broker = brokers.runs()[0].process
        assert broker is not None
        with ThreadPoolExecutor(1) as sender, ingest_process(kafka, spool_dir=spool_dir) as running:
            broker.send_signal(signal.SIGSTOP)
            answer = sender.submit(post, running, 1)
            time.sleep(0.3)
            running.process.send_signal(signal.SIGTERM)
            assert answer.result(10) == 200
            assert running.process.wait(9) == 0, "sooner than a supervisor kills it"
        broker.send_signal(signal.SIGCONT)
        with ingest_process(kafka, spool_dir=spool_dir) as running:
            until(lambda: figure(running, "ingest_spool_events") == 0)
        assert stored(kafka, 1) == ["1"]
    finally:
        brokers.stop_all()


def test_a_record_too_large_for_kafkas_topic_is_kept_aside_and_stops_no_other(tmp_path: Path) -> None:
    if (reason := missing()) is not None:
        skip_unless_ci(reason)
    spool = Spool(tmp_path / "spool", max_bytes=1_000_000, max_age_s=60)
    spool.open()
    sizes = (10, 5_000, 20)
    records = [Record(EVENTS.name, b"ada", b"x" * size, []) for size in sizes]
    spool.store([Frame(1, msgspec.msgpack.encode([record])) for record in records])
    with apache_kafka(tmp_path) as address:
        kafka = KafkaSettings(brokers=(address,))
        create_with_largest_record(kafka, EVENTS, 1_000)
        create_topics(kafka)

        async def drain() -> None:
            publisher = SpoolingPublisher(KafkaPublisher(kafka, timeout_ms=5_000), spool, patience_s=1)
            publisher.start()
            try:
                async with asyncio.timeout(30):
                    while not spool.is_empty:
                        await asyncio.sleep(0.05)
            finally:
                await publisher.close()

        asyncio.run(drain())
        assert {len(record.value) for record in records_on(kafka, EVENTS.name, 2)} == {10, 20}
    (kept,) = (tmp_path / "spool").iterdir()
    assert kept.suffix == ".refused"


def create_with_largest_record(kafka: KafkaSettings, topic: Topic, most_bytes: int) -> None:
    client = admin(kafka)
    client.create_topics(
        [NewTopic(topic.name, topic.partitions, 1, topic_configs={"max.message.bytes": str(most_bytes)})]
    )
    client.close()


def test_two_ingests_on_one_spool_are_one_clear_sentence(tmp_path: Path) -> None:
    spool = {"SHOPSTREAM_INGEST_SPOOL_DIR": str(tmp_path / "spool"), "SHOPSTREAM_INGEST_PORT": str(free_port())}
    with ingest_process(nowhere(), spool_dir=spool["SHOPSTREAM_INGEST_SPOOL_DIR"]):
        second = subprocess.run(COMMAND, env={**os.environ, **spool}, capture_output=True, check=False, timeout=60)
    assert second.returncode == 1
    assert b"another process keeps its spool" in second.stderr
    assert b"Traceback" not in second.stderr
