"""The sink from Kafka to Postgres: killed, doubled, cut off, and still each record once."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.codec import ENCODER
from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.topics import DECISIONS, EVENTS, PARTITIONS, SESSION_FEATURES
from runtime.kafka import create_topics, durable_producer
from runtime.settings import KafkaSettings, PersistSettings, PostgresSettings
from shopstream.embedded.broker import embedded_broker
from shopstream.ports import free_port
from sql.connection import connect
from sql.migrate import migrate
from stream_processors import persist, persist_ahead
from stream_processors.persist import SinkLoop
from stream_processors.persist_kafka import KafkaSource
from stream_processors.persist_postgres import PostgresSink
from stream_processors.persist_rows import Record
from tests.cable import cable
from tests.factories import decision, event, features
from tests.waiting import until

TOPIC = {Event: EVENTS.name, SessionFeatures: SESSION_FEATURES.name, Decision: DECISIONS.name}
SERVE = (
    "import sys; from runtime.settings import *; from stream_processors.persist import serve; import os; "
    "raise SystemExit(serve(*[each.from_environ(os.environ) for each in (PersistSettings, KafkaSettings, PostgresSettings)]))"
)


def send(kafka: KafkaSettings, structs: list[msgspec.Struct | bytes]) -> None:
    """Bytes are a record of topic `events` as it is."""
    producer = durable_producer(kafka)
    for each in structs:
        topic = EVENTS.name if isinstance(each, bytes) else TOPIC[type(each)]
        partition = 0 if isinstance(each, bytes) else hash(each.visitor_id) % PARTITIONS  # type: ignore[attr-defined]
        producer.send(topic, each if isinstance(each, bytes) else ENCODER.encode(each), partition=partition)
    producer.flush()
    producer.close()


def shoppers(count: int) -> list[msgspec.Struct | bytes]:
    """Each looks at a page and buys; their session and a decision are told."""
    told: list[msgspec.Struct | bytes] = []
    for n in range(count):
        who = f"visitor-{n}"
        told += [
            event("page_view", "12:00", visitor_id=who, message_id=f"view-{n}"),
            event("purchase", "12:05", visitor_id=who, message_id=f"buy-{n}", value=2.0, transaction_id=f"T{n}"),
            features("12:00", "12:05", visitor_id=who, event_count=2, purchase_count=1, revenue=2.0),
            decision("12:00", visitor_id=who, decision_id=f"d{n}", event_count=2),
        ]
    return told


def counts(dsn: str) -> tuple[int, ...]:
    """Events, those linked to a session, sessions scored, conversions, revenue, predictions, visitors' sessions."""
    with closing(connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from events), (select count(session_id) from events),"
            " (select count(likelihood) from sessions), (select count(session_id) from conversions),"
            " (select coalesce(sum(revenue), 0) from conversions)::int, (select count(*) from predictions),"
            " (select coalesce(sum(session_count), 0) from users)::int"
        )
        row: tuple[int, ...] = cursor.fetchone() or ()
        return row


def complete(count: int) -> tuple[int, ...]:
    """What `counts` says once `shoppers(count)` are all there, each once."""
    return 2 * count, 2 * count, count, count, 2 * count, count, count


@contextmanager
def sink_thread(kafka: KafkaSettings, dsn: str, **settings: Any) -> Iterator[SinkLoop]:
    """A sink in this process; whatever it raised is raised at the end."""
    loop = SinkLoop(PersistSettings(batch_ms=50, **settings), kafka, PostgresSettings(dsn=dsn))
    stop = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            loop.run(stop)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield loop
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
    if raised:
        raise raised[0]


@contextmanager
def sink_process(kafka: KafkaSettings, dsn: str, port: int, batch_rows: int = 50) -> Iterator[subprocess.Popen[bytes]]:
    environ = {
        **os.environ,
        "SHOPSTREAM_PERSIST_PORT": str(port),
        "SHOPSTREAM_PERSIST_BATCH_ROWS": str(batch_rows),
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
        "SHOPSTREAM_POSTGRES_DSN": dsn,
    }
    process = subprocess.Popen([sys.executable, "-c", SERVE], env=environ)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_everything_sent_lands_once(broker: KafkaSettings, database: str) -> None:
    migrate(database)
    send(broker, shoppers(300))
    with sink_thread(broker, database) as loop:
        until(lambda: counts(database) == complete(300))
        until(lambda: loop.problem is None)
    with sink_thread(broker, database):  # which finds nothing left to do
        send(broker, [event(visitor_id="visitor-0", message_id="last")])
        until(lambda: counts(database)[0] == 601)
    assert counts(database)[2:] == complete(300)[2:]


def test_two_sinks_at_once_write_each_record_once(broker: KafkaSettings, database: str) -> None:
    migrate(database)
    send(broker, shoppers(400))
    lost = persist.INTERRUPTIONS.labels("OffsetsMoved")._value.get()
    with sink_thread(broker, database, batch_rows=40), sink_thread(broker, database, batch_rows=40):
        until(lambda: counts(database) == complete(400))
    assert counts(database) == complete(400)
    assert persist.INTERRUPTIONS.labels("OffsetsMoved")._value.get() > lost


def test_a_crash_before_the_commit_loses_and_doubles_nothing(
    broker: KafkaSettings, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database)
    send(broker, shoppers(100))
    lock, calls = PostgresSink._lock_offsets, iter(range(1000))

    def crash_sometimes(writer: Any, cursor: Any) -> Any:
        if next(calls) in (3, 4, 7):
            cursor.execute("select pg_terminate_backend(pg_backend_pid())")
        return lock(writer, cursor)

    monkeypatch.setattr(PostgresSink, "_lock_offsets", crash_sometimes)
    with sink_thread(broker, database, batch_rows=30):
        until(lambda: counts(database) == complete(100))
    assert next(calls) > 8


def test_a_sink_killed_in_the_middle_loses_and_doubles_nothing(broker: KafkaSettings, database: str) -> None:
    migrate(database)
    send(broker, shoppers(1500))
    reached = 0
    for _ in range(3):
        with sink_process(broker, database, free_port()) as process:
            until(lambda: counts(database)[0] > reached)  # noqa: B023  the loop waits here
            process.send_signal(signal.SIGKILL)
        reached = counts(database)[0]
    assert reached < 3000
    with sink_process(broker, database, free_port(), batch_rows=5000):
        until(lambda: counts(database) == complete(1500))


def test_a_consumer_that_falls_silent_is_replaced(
    broker: KafkaSettings, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database)
    send(broker, shoppers(2))
    monkeypatch.setattr(persist, "STUCK_AFTER_S", 0.5)
    monkeypatch.setattr(persist_ahead, "LOOK_EVERY_S", 0.1)
    read = KafkaSource.read
    sources: list[KafkaSource] = []

    def deaf_the_first_time(source: KafkaSource, max_records: int, max_wait_s: float) -> list[Record]:
        if source not in sources:
            sources.append(source)
        return [] if source is sources[0] else read(source, max_records, max_wait_s)

    monkeypatch.setattr(KafkaSource, "read", deaf_the_first_time)
    with sink_thread(broker, database):
        until(lambda: counts(database) == complete(2))
    assert len(sources) == 2


def test_the_service_tells_its_health_and_stops_when_told(broker: KafkaSettings, database: str) -> None:
    port = free_port()
    with sink_process(broker, database, port) as process:
        until(lambda: "run `shopstream migrate`" in get(port, "/readyz"))
        migrate(database)
        until(lambda: '"sink":"ok"' in get(port, "/readyz"))
        send(broker, shoppers(5))
        until(lambda: 'persist_rows_total{table="events"} 10.0' in get(port, "/metrics"))
        assert 'persist_lag_records{partition="0",topic="events"} 0.0' in get(port, "/metrics")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_who_stops_it_does_not_wait_for_a_postgres_that_does_not_answer(broker: KafkaSettings, database: str) -> None:
    migrate(database)
    waits = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

    def is_waiting() -> bool:
        with closing(connect(database)) as looker, looker.cursor() as cursor:
            cursor.execute(waits)
            return cursor.rowcount > 0

    with closing(connect(database)) as other:
        with sink_process(broker, database, free_port()) as process, other.cursor() as cursor:
            cursor.execute("lock table events in exclusive mode")
            send(broker, shoppers(5))
            until(is_waiting)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        other.rollback()
    with sink_process(broker, database, free_port()):
        until(lambda: counts(database) == complete(5))


def test_a_bug_ends_the_service_with_an_exit_code(broker: KafkaSettings, database: str) -> None:
    migrate(database)
    with closing(connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("alter table events rename column user_id to who")
    send(broker, [event()])
    with sink_process(broker, database, free_port()) as process:
        assert process.wait(20) == 1


def test_a_broker_that_comes_back_empty_is_read_from_its_beginning(database: str, tmp_path: Path) -> None:
    migrate(database)
    port, health = free_port(), free_port()
    kafka = KafkaSettings(brokers=(f"127.0.0.1:{port}",))
    with sink_process(kafka, database, health) as process:
        with embedded_broker(tmp_path, port):
            create_topics(kafka)
            send(kafka, shoppers(3))
            until(lambda: counts(database) == complete(3))
        until(lambda: "no Kafka broker answers" in sink_health(health))
        with embedded_broker(tmp_path, port):
            until(lambda: "no topic" in sink_health(health))
            create_topics(kafka)
            send(kafka, shoppers(5))
            until(lambda: counts(database) == complete(5))
            until(lambda: sink_health(health) == "ok")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_postgres_going_away_is_waited_out(broker: KafkaSettings, database: str) -> None:
    migrate(database)
    with cable(database) as (dsn, plug), sink_thread(broker, dsn) as loop:
        send(broker, shoppers(3))
        until(lambda: counts(database) == complete(3))
        plug.clear()
        send(broker, shoppers(10))
        until(lambda: "Postgres" in (loop.problem or ""))
        plug.set()
        until(lambda: counts(database) == complete(10))
        until(lambda: loop.problem is None)


def sink_health(port: int) -> str:
    """What `/readyz` says of the sink itself."""
    return str(json.loads(get(port, "/readyz") or "{}").get("sink"))


def get(port: int, path: str) -> str:
    """The body of an answer, whatever its status; empty while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read().decode())
    except OSError:
        return ""
