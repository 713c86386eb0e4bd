"""Ingest as a process, over real HTTP into a real broker: what a 200 promises, and what happens while the broker is away."""

import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from contracts.codec import DEAD_LETTER_DECODER, EVENT_DECODER
from contracts.topics import EVENTS, EVENTS_DLQ
from runtime.kafka import create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import embedded_broker
from shopstream.ports import free_port
from tests.ingest_process import COMMAND, ingest_process, track
from tests.kafka_records import records_on
from tests.waiting import until

KEYS = """
[keys.web]
origins = ["https://shop.example"]
[keys.slow]
origins = ["*"]
events_per_second = 1
burst = 2
"""


def test_a_200_means_the_events_are_on_the_topic_and_the_bad_ones_in_the_dead_letters(
    either_broker: KafkaSettings,
) -> None:
    bad = track("bad", event="Order Completed", properties={"revenue": "a lot"})
    with ingest_process(either_broker) as running:
        answer = running.post(track("a"), bad, track("c", anonymousId=None), track("d", anonymousId="bob"))
        assert (answer.status, answer.json["accepted"], answer.json["rejected"]) == (200, 2, 2)
        stored = {record.headers[3][1]: record for record in records_on(either_broker, EVENTS.name, 2)}
        letters = [DEAD_LETTER_DECODER.decode(record.value) for record in records_on(either_broker, EVENTS_DLQ.name, 2)]
    assert {record.key: EVENT_DECODER.decode(record.value).message_id for record in stored.values()} == {
        b"ada": "a",
        b"bob": "d",
    }
    assert stored.keys() == {b"a", b"d"}
    assert {letter.message_id: letter.code for letter in letters} == {"bad": "schema", "c": "missing_identity"}
    assert [json.loads(letter.raw) for letter in letters if letter.message_id == "bad"] == [bad]


def test_many_senders_at_once_lose_nothing(broker: KafkaSettings) -> None:
    with ingest_process(broker) as running, ThreadPoolExecutor(16) as senders:
        answers = senders.map(
            lambda number: running.post(*(track(f"{number}-{index}", anonymousId=f"v{number}") for index in range(20))),
            range(50),
        )
        assert [answer.status for answer in answers] == [200] * 50
        stored = [EVENT_DECODER.decode(record.value).message_id for record in records_on(broker, EVENTS.name, 1_000)]
    assert sorted(stored) == sorted(f"{number}-{index}" for number in range(50) for index in range(20))


def test_ingest_comes_up_without_a_broker_answers_503_and_heals_each_time(tmp_path: Path) -> None:
    port = free_port()
    kafka = KafkaSettings(brokers=(f"127.0.0.1:{port}",))
    with ingest_process(kafka, waits=False, kafka_timeout_ms="2000") as running:
        for life in ("first", "second"):
            away = running.post(track(f"away-{life}"))
            assert (away.status, away.json["code"], away.headers["retry-after"]) == (503, "kafka_unavailable", "1")
            assert running.ask("GET", "/readyz").status == 503
            assert running.ask("GET", "/livez").status == 200
            with embedded_broker(tmp_path, port):
                create_topics(kafka)
                until(lambda: running.is_ready() and running.post(track("back")).status == 200)
                assert running.post(track(life)).status == 200
                stored = [EVENT_DECODER.decode(record.value).message_id for record in records_on(kafka, EVENTS.name, 2)]
                assert life in stored


def test_missing_topics_are_said_and_waited_for(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as address:
        kafka = KafkaSettings(brokers=(address,))
        with ingest_process(kafka, waits=False) as running:
            until(lambda: "topics create" in running.ask("GET", "/readyz").json["topics"])
            assert running.post(track("a")).status == 503
            create_topics(kafka)
            until(lambda: running.post(track("a")).status == 200)


def test_sigterm_answers_what_is_in_flight_and_ends_with_0(broker: KafkaSettings) -> None:
    with ingest_process(broker) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        body = json.dumps({"batch": [track("last")], "writeKey": "demo"}).encode()
        connection.putrequest("POST", "/v1/batch")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:10])
        time.sleep(0.2)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        connection.send(body[10:])
        assert connection.getresponse().status == 200
        connection.close()
        assert running.process.wait(15) == 0
    assert len(records_on(broker, EVENTS.name, 1)) == 1


def test_sigterm_without_a_broker_ends_soon() -> None:
    with ingest_process(KafkaSettings(brokers=(f"127.0.0.1:{free_port()}",)), waits=False) as running:
        started = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0
        assert time.monotonic() - started < 5


def test_sigterm_while_it_starts_ends_it_too() -> None:
    hurried = (
        "import os, signal; from producers.ingest import serve; from runtime.settings import *; make = serve.IngestApp; "
        "serve.IngestApp = lambda *given, **named: os.kill(os.getpid(), signal.SIGTERM) or make(*given, **named); "
        "away = KafkaSettings(brokers=('127.0.0.1:9',)); "
        f"raise SystemExit(serve.serve(IngestSettings(port={free_port()}), away))"
    )
    assert subprocess.run([sys.executable, "-c", hurried], check=False, timeout=30).returncode == 0


def test_a_port_in_use_is_one_clear_sentence(broker: KafkaSettings) -> None:
    with ingest_process(broker) as running:
        environ = {**os.environ, "SHOPSTREAM_INGEST_PORT": str(running.port)}
        second = subprocess.run(COMMAND, env=environ, capture_output=True, check=False)
    assert second.returncode == 1
    assert b"SHOPSTREAM_INGEST_PORT" in second.stderr
    assert b"Traceback" not in second.stderr


def test_what_browsers_and_limits_need_holds_over_real_http(broker: KafkaSettings, tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(KEYS)
    with ingest_process(broker, write_keys_file=str(keys)) as running:
        until(lambda: running.is_ready())
        shop = {"Origin": "https://shop.example"}
        preflight = running.ask("OPTIONS", "/v1/t", **shop, Access_Control_Request_Method="POST")
        assert preflight.status == 204
        assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
        assert running.post(track("a"), key="web", **shop).status == 200
        assert running.post(track("a"), key="web", Origin="https://evil.example").status == 403
        assert running.post(track("a"), key="nope").status == 401
        assert running.post(*(track(str(number)) for number in range(3)), key="slow").status == 200
        late = running.post(track("late"), key="slow")
        assert (late.status, late.headers["retry-after"]) == (429, "2")
        bomb = gzip.compress(b" " * 20_000_000, 1)
        assert running.ask("POST", "/v1/batch", bomb, Content_Encoding="gzip").status == 413
        assert running.ask("POST", "/v1/batch", b" " * 5_000_000).status == 413
        zipped = gzip.compress(json.dumps({"batch": [track("z")], "writeKey": "web"}).encode())
        form = "application/x-www-form-urlencoded"
        assert running.ask("POST", "/v1/batch/", zipped, Content_Encoding="gzip", Content_Type=form).status == 200
        snippet = running.ask("GET", "/shopstream.js", Accept_Encoding="gzip")
        assert b"shopstream" in gzip.decompress(snippet.body)


SPEC = (
    Path(os.environ.get("SHOPSTREAM_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data") / "tracker-payloads"
)


@pytest.mark.skipif(not SPEC.is_dir(), reason=f"no recorded tracker payloads at {SPEC}; set SHOPSTREAM_TEST_DATA")
def test_the_examples_of_segments_own_spec_are_taken(broker: KafkaSettings) -> None:
    paths = {"alias", "group", "identify", "page", "screen", "track"}
    statuses: list[int] = []
    accepted = 0
    with ingest_process(broker) as running:
        for line in (SPEC / "segment_spec_examples.jsonl").read_text().splitlines():
            example = json.loads(line)
            path, body = posted(example)
            assert path == "batch" or path in paths
            answer = running.ask("POST", f"/v1/{path}?writeKey=demo", json.dumps(body | {"writeKey": "demo"}).encode())
            statuses.append(answer.status)
            accepted += answer.json["accepted"]
            for error in answer.json["errors"]:
                assert error["code"] == "missing_identity", (example, error)
        stored = records_on(broker, EVENTS.name, accepted)
    assert statuses == [200] * 140
    assert accepted > 120
    assert len(stored) == accepted


def posted(example: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Where an SDK would post an example, and what: library calls get the anonymous id that the library would add."""
    if example["call"] is None:
        body = example["payload"]
        if "batch" in body:
            return "batch", body
        kind = body.get("type") or body.get("action")
        guess = "track" if "event" in body else "page" if "name" in body else "identify"
        return kind or ("group" if "groupId" in body else "alias" if "previousId" in body else guess), body
    call_type, args = example["call"], example["args"]
    texts = [argument for argument in args if isinstance(argument, str)]
    objects = [argument for argument in args if isinstance(argument, dict)] or [{}]
    if "event" in objects[0] or "traits" in objects[0]:
        return call_type, objects[0]
    named = {"track": "event", "page": "name", "screen": "name"}.get(call_type, "userId")
    content = "traits" if call_type in ("identify", "group") else "properties"
    return call_type, {"anonymousId": "ada", content: objects[0], **({named: texts[-1]} if texts else {})}
