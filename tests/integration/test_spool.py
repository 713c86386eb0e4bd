"""Ingest as a process with a spool: what a 200 promises while Kafka is away, and whatever ends ingest meanwhile."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from contracts.codec import EVENT_DECODER
from contracts.topics import EVENTS
from runtime.kafka import create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import embedded_broker
from shopstream.ports import free_port
from shopstream.probes import figures_at
from tests.integration.test_ingest import SERVE, Ingest, call, ingest, ready, until
from tests.kafka_records import records_on


def nowhere() -> KafkaSettings:
    return KafkaSettings(brokers=(f"127.0.0.1:{free_port()}",))


def port_of(kafka: KafkaSettings) -> int:
    return int(kafka.brokers[0].rpartition(":")[2])


def post(running: Ingest, *numbers: int) -> int:
    return running.post(*(call(str(number)) for number in numbers)).status


def stored(kafka: KafkaSettings, count: int) -> list[str]:
    """Message ids on the topic, each once, in the order in which they came first."""
    return list(
        dict.fromkeys(EVENT_DECODER.decode(record.value).message_id for record in records_on(kafka, EVENTS.name, count))
    )


def figure(running: Ingest, name: str) -> float:
    return (figures_at(f"http://127.0.0.1:{running.port}") or {}).get(name, -1.0)


def test_events_taken_while_kafka_is_away_reach_it_in_order_when_it_comes(tmp_path: Path) -> None:
    kafka = nowhere()
    with ingest(kafka, spool_dir=str(tmp_path / "spool")) as running:
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
    with ingest(kafka, spool_dir=str(spool)) as running:
        assert [post(running, number) for number in range(40)] == [200] * 40
        running.process.kill()
        running.process.wait()
    segment = max(spool.iterdir())
    segment.write_bytes(segment.read_bytes() + segment.read_bytes()[:50])  # it was writing one more
    with embedded_broker(tmp_path, port_of(kafka)):
        create_topics(kafka)
        with ingest(kafka, spool_dir=str(spool)) as running:
            assert post(running, 40) == 200
            until(lambda: figure(running, "ingest_spool_events") == 0)
            assert stored(kafka, 41) == [str(number) for number in range(41)]
    assert list(spool.iterdir()) == []


def test_a_full_spool_is_a_503_that_says_when_to_come_again_and_heals(tmp_path: Path) -> None:
    kafka = nowhere()
    with ingest(kafka, spool_dir=str(tmp_path / "spool"), spool_max_bytes="8000") as running:
        statuses = [post(running, number) for number in range(40)]
        taken = statuses.index(503)
        assert statuses == [200] * taken + [503] * (40 - taken)
        refused = running.post(call("refused"))
        assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (503, "kafka_unavailable", "1")
        assert running.ask("GET", "/readyz").status == 503
        with embedded_broker(tmp_path, port_of(kafka)):
            create_topics(kafka)
            until(lambda: ready(running) and post(running, 100) == 200)
            assert stored(kafka, taken + 1) == [*map(str, range(taken)), "100"]


def test_a_full_disk_is_a_503_and_what_it_took_before_is_kept(tmp_path: Path) -> None:
    kafka = nowhere()
    with ingest(kafka, spool_dir=str(tmp_path / "spool")) as running:
        unlimited = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        first = [running.post(call(f"{number}", properties={"text": "x" * 4_000})).status for number in range(5)]
        assert first == [200, 200, 200, 503, 200]
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, unlimited)
        with embedded_broker(tmp_path, port_of(kafka)):
            create_topics(kafka)
            until(lambda: post(running, 100) == 200 and figure(running, "ingest_spool_events") == 0)
            assert stored(kafka, 5) == ["0", "1", "2", "4", "100"]


def test_two_ingests_on_one_spool_are_one_clear_sentence(tmp_path: Path) -> None:
    spool = {"SHOPSTREAM_INGEST_SPOOL_DIR": str(tmp_path / "spool"), "SHOPSTREAM_INGEST_PORT": str(free_port())}
    with ingest(nowhere(), spool_dir=spool["SHOPSTREAM_INGEST_SPOOL_DIR"]):
        second = subprocess.run(
            [sys.executable, "-c", SERVE], env={**os.environ, **spool}, capture_output=True, check=False, timeout=60
        )
    assert second.returncode == 1
    assert b"another process keeps its spool" in second.stderr
    assert b"Traceback" not in second.stderr
