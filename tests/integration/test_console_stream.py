"""`shopstream console` as a process of its own: from the log to the browser, through trouble, to a clean stop."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.follow import DecisionFollower
from contracts.codec import ENCODER
from contracts.decisions import Decision
from contracts.ids import visitor_id_of
from contracts.topics import DECISIONS
from runtime.kafka import create_topics, durable_producer
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import embedded_broker
from shopstream.ports import free_port
from tests.factories import decision, incentive
from tests.waiting import until

SECRET = "a visitor's secret of many characters"
ADA = visitor_id_of(SECRET)


class Console:
    """A running console and the requests that tests make of it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def token(self) -> str:
        body = json.dumps({"visitor_secret": SECRET}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/decisions/token", body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.loads(answer.read())["token"])

    @contextmanager
    def stream(self, last_event_id: str | None = None) -> Iterator["Stream"]:
        """Ada's stream, as an EventSource would open it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
            connection.request("GET", f"/api/decisions/{ADA}/stream?token={self.token()}", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200
            with answer:
                yield Stream(answer)

    def is_ready(self) -> bool:
        return bool(self.get("/readyz")[1]["kafka"] == "ok")


class Stream:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer

    def next(self) -> dict[str, str]:
        """The fields of the next message that is not a heartbeat."""
        fields: dict[str, str] = {}
        while line := self._answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if line == "\n" and fields:
                return fields
            if line != "\n" and name:
                fields[name] = value
        return fields


@contextmanager
def running_console(kafka: KafkaSettings, log: Path) -> Iterator[Console]:
    """The console over this broker, with a Postgres that is away."""
    port = free_port()
    environ = {
        **os.environ,
        "SHOPSTREAM_CONSOLE_PORT": str(port),
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
        "SHOPSTREAM_POSTGRES_DSN": "postgresql://nobody@127.0.0.1:9/nowhere",
    }
    with log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "-m", "shopstream", "console"], env=environ, stderr=output)
    try:
        until(lambda: is_listening(port) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield Console(process, port)
    finally:
        process.terminate()
        process.wait(10)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def console(broker: KafkaSettings, tmp_path: Path) -> Iterator[Console]:
    with running_console(broker, tmp_path / "console.log") as running:
        until(running.is_ready)
        yield running


def publish(kafka: KafkaSettings, *records: Decision | bytes, made_at: datetime | None = None) -> None:
    producer = durable_producer(kafka)
    timestamp_ms = None if made_at is None else int(made_at.timestamp() * 1000)
    sent = []
    for each in records:
        value = each if isinstance(each, bytes) else ENCODER.encode(each)
        record = {"key": ADA.encode(), "value": value, "partition": 2, "timestamp_ms": timestamp_ms}
        sent.append(producer.send(DECISIONS.name, **record))
    for each_sent in sent:
        each_sent.get(10)
    producer.close()


def decided(event_count: int = 1, **others: Any) -> Decision:
    return decision(datetime.now(UTC), session_id="s", visitor_id=ADA, event_count=event_count, **others)


def test_a_decision_on_the_log_is_in_the_browser_within_a_second(broker: KafkaSettings, console: Console) -> None:
    with console.stream() as stream:
        assert stream.next() == {"retry": "1000"}
        sent = decided(incentive=incentive())
        producer = durable_producer(broker)
        producer.send(DECISIONS.name, key=b"bob", value=ENCODER.encode(decision(visitor_id="bob")), partition=2).get(10)
        acknowledged = time.monotonic()
        producer.send(DECISIONS.name, key=ADA.encode(), value=ENCODER.encode(sent), partition=2).get(10)
        message = stream.next()
        assert time.monotonic() - acknowledged < 1
        producer.close()
    assert message == {"id": "2-1", "event": "decision", "data": ENCODER.encode(sent).decode()}
    with urllib.request.urlopen(f"http://127.0.0.1:{console.port}/metrics") as answer:
        metrics = answer.read().decode()
    assert 'console_decision_latency_seconds_bucket{le="1.0"} ' in metrics
    assert "console_streams_open" in metrics
    assert "console_is_following 1.0" in metrics


def test_a_stream_that_comes_back_gets_what_it_missed_and_nothing_twice(
    broker: KafkaSettings, console: Console
) -> None:
    with console.stream() as stream:
        stream.next()
        publish(broker, decided(1))
        seen = stream.next()["id"]
    publish(broker, decided(2), decided(3))
    until(lambda: console.get(f"/api/decisions/{ADA}?token={console.token()}")[1]["event_count"] == 3)
    with console.stream(last_event_id=seen) as stream:
        stream.next()
        missed = stream.next()
        assert json.loads(missed["data"])["event_count"] == 3
    with console.stream(last_event_id=missed["id"]) as stream:
        stream.next()
        publish(broker, decided(4))
        assert json.loads(stream.next()["data"])["event_count"] == 4


def test_a_restarted_console_still_knows_the_latest_decision(broker: KafkaSettings, tmp_path: Path) -> None:
    publish(broker, decided(1), b"no decision at all", b'{"visitor_id":"\xff"}', decided(2))
    with running_console(broker, tmp_path / "console.log") as console, console.stream() as stream:
        stream.next()
        assert json.loads(stream.next()["data"])["event_count"] == 2


def test_a_console_restarted_in_a_busy_shop_knows_every_visitors_latest_decision(
    broker: KafkaSettings, tmp_path: Path
) -> None:
    others = [decision(datetime.now(UTC), visitor_id=f"visitor {number}") for number in range(1_000)]
    publish(broker, decided(1), *others)
    with running_console(broker, tmp_path / "console.log") as console, console.stream() as stream:
        stream.next()
        assert json.loads(stream.next()["data"])["event_count"] == 1


def test_of_what_was_there_before_it_a_console_takes_the_latest_of_each_visit_and_nothing_of_hours_ago(
    either_broker: KafkaSettings,
) -> None:
    hours_ago = datetime.now(UTC) - timedelta(hours=3)
    publish(either_broker, *(decision(hours_ago, visitor_id="bob") for _ in range(20)), made_at=hours_ago)
    publish(either_broker, *(decided(number + 1) for number in range(50)))
    taken: list[list[str]] = []

    async def story() -> None:
        follower = DecisionFollower(
            either_broker, lambda batch: taken.append([f"{each.visitor_id} {each.id}" for each in batch]), lambda: None
        )
        follower.start()
        while follower.problem() is not None:
            await asyncio.sleep(0.05)
        await follower.stop()

    asyncio.run(asyncio.wait_for(story(), 40))
    read = taken[0]
    assert f"{ADA} 2-69" in read
    # The embedded broker finds no record by its time.
    assert read in ([f"{ADA} 2-69"], ["bob 2-19", f"{ADA} 2-69"])


def test_the_console_starts_without_a_broker_and_finds_one_that_comes_and_one_that_comes_back(tmp_path: Path) -> None:
    port = free_port()
    kafka = KafkaSettings(brokers=(f"127.0.0.1:{port}",))
    with running_console(kafka, tmp_path / "console.log") as console:
        until(lambda: "no Kafka broker answers" in console.get("/readyz")[1]["kafka"])
        assert console.get("/api/health")[1]["status"] == "degraded"
        with urllib.request.urlopen(f"http://127.0.0.1:{console.port}/metrics") as answer:
            assert b"console_is_following 0.0" in answer.read()
        with console.stream() as stream:
            stream.next()
            for life in (1, 2):
                with embedded_broker(tmp_path, port):
                    create_topics(kafka)
                    publish(kafka, decided(life))
                    assert json.loads(stream.next()["data"])["event_count"] == life
                until(lambda: not console.is_ready())


def test_sigterm_ends_open_streams_and_the_process_at_once(broker: KafkaSettings, console: Console) -> None:
    with console.stream() as stream:
        stream.next()
        asked = time.monotonic()
        console.process.send_signal(signal.SIGTERM)
        assert stream.next() == {}
        assert console.process.wait(5) == 0
        assert time.monotonic() - asked < 3


def test_sigterm_while_the_model_is_loaded_ends_the_process_too() -> None:
    hurried = (
        "import os, signal; from console import serve; "
        "serve.predictor = lambda process: os.kill(os.getpid(), signal.SIGTERM); "
        "from shopstream.__main__ import main; raise SystemExit(main(['console']))"
    )
    environ = {**os.environ, "SHOPSTREAM_CONSOLE_PORT": str(free_port()), "SHOPSTREAM_KAFKA_BROKERS": "127.0.0.1:9"}
    ended = subprocess.run([sys.executable, "-c", hurried], env=environ, timeout=20, check=False)
    assert ended.returncode == 0


def test_a_port_that_is_taken_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = {**os.environ, "SHOPSTREAM_CONSOLE_PORT": str(taken.getsockname()[1])}
        ended = subprocess.run(
            [sys.executable, "-m", "shopstream", "console"], env=environ, capture_output=True, text=True, timeout=30
        )
    assert ended.returncode == 1
    assert "set SHOPSTREAM_CONSOLE_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr
