"""The rebuild of docs/growing.md: recorded, published beside with another number of partitions, folded there, compared, switched."""

import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

import pytest

from contracts.codec import ENCODER
from contracts.events import Event
from contracts.topics import EVENTS
from runtime.kafka import create_topics, durable_producer
from runtime.recordings import RecordingError, recorded_by_kafka, recorded_in_file
from runtime.settings import KafkaSettings, ProcessSettings
from shopstream.embedded.broker import embedded_broker
from shopstream.supervise import Supervisor
from tests.integration.test_streams import LONG, clicks, stream_processor
from tests.recorded import settled
from tests.waiting import until

PAGE: Final = Path(__file__).parents[2] / "docs" / "growing.md"
GROUP: Final = ProcessSettings().app_id


def commands(name: str) -> str:
    """A block of the page."""
    found = re.search(rf"```sh {name}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def run(script: str, folder: Path, **environ: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={**clean, "PATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def publish(kafka: KafkaSettings, events: list[Event]) -> None:
    producer = durable_producer(kafka, linger_ms=5)
    sent = [producer.send(EVENTS.name, key=each.visitor_id.encode(), value=ENCODER.encode(each)) for each in events]
    for each in sent:
        each.get(30)
    producer.close()


def fold(kafka: KafkaSettings, folder: Path) -> None:
    """Run a worker until everything is folded and decided about."""
    folder.mkdir(exist_ok=True)
    supervisor = Supervisor(say=lambda _: None)
    try:
        supervisor.start(stream_processor(kafka, folder))
        supervisor.wait_until_ready(90, threading.Event())
        _, found = settled(kafka)
        assert (found.differing, found.waiting) == (0, 0), (folder / "process.log").read_text()[-3000:]
    finally:
        supervisor.stop_all()


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "beside").mkdir()
    with embedded_broker(tmp_path / "beside") as address:
        yield address


@pytest.mark.timeout(420)  # three workers and seven commands, one after the other
def test_a_stream_rebuilt_with_more_partitions_tells_the_same_bits(
    broker: KafkaSettings, beside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = clicks(1_500, 150, Random(8))
    publish(broker, events[:1_000])
    fold(broker, tmp_path / "live-worker")
    clusters = {"LIVE": broker.brokers[0], "BESIDE": beside}
    told = run(commands("rebuild"), tmp_path, **clusters)
    assert "1,000 recorded events were published" in told

    new = KafkaSettings(brokers=(beside,), partitions=12)
    assert create_topics(new) == []
    monkeypatch.setenv("SHOPSTREAM_KAFKA_PARTITIONS", "12")
    fold(new, tmp_path / "worker-beside")
    told = run(commands("compared"), tmp_path, SHOPSTREAM_KAFKA_BROKERS=beside)
    assert told.count("all are equal, bit by bit") == 2
    visitors = len({each.visitor_id for each in events[:1_000]})
    assert told.count(f"1,000 events of {visitors} visitors") == 2

    publish(broker, events[1_000:])
    run(commands("switch"), tmp_path, SHOPSTREAM_KAFKA_BROKERS=beside, **clusters)
    fold(new, tmp_path / "worker-beside")
    told = run("shopstream replay --compare", tmp_path, SHOPSTREAM_KAFKA_BROKERS=beside)
    assert "all are equal, bit by bit" in told
    beside_parts = list(recorded_by_kafka(new, GROUP))
    values = {record.value for parts in beside_parts for record in parts[EVENTS.name].records}
    assert values == {ENCODER.encode(each) for each in events}
    assert len(beside_parts) == 12


def partitions_of(url: str) -> set[str]:
    """The partitions that a worker has, by its metrics."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return set(re.findall(rf'^process_lag_records\{{partition="(\d+)",topic="{EVENTS.name}"\}}', text, re.MULTILINE))


def test_two_workers_share_the_partitions_evenly(broker: KafkaSettings, tmp_path: Path) -> None:
    supervisor = Supervisor(say=lambda _: None)
    urls = []
    try:
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            worker = stream_processor(broker, tmp_path / name)
            urls.append(f"http://127.0.0.1:{(worker.environ or {})['SHOPSTREAM_PROCESS_PORT']}")
            supervisor.start(replace(worker, name=name))
        supervisor.wait_until_ready(120, threading.Event())
        until(lambda: [len(partitions_of(url)) for url in urls] == [3, 3], LONG, lambda: [*map(partitions_of, urls)])
        assert len(partitions_of(urls[0]) | partitions_of(urls[1])) == 6
    finally:
        supervisor.stop_all()


def test_a_difference_ends_the_command_with_1_and_names_the_field(
    broker: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(broker, clicks(50, 5, Random(1)))
    fold(broker, tmp_path / "worker")
    environ = {"SHOPSTREAM_KAFKA_BROKERS": broker.brokers[0]}
    assert "all are equal" in run("shopstream replay --compare", tmp_path, **environ)
    # Another gap is another fold.
    environ["SHOPSTREAM_PROCESS_SESSION_GAP_MINUTES"] = "0.0001"
    told = run("shopstream replay --compare && exit 9 || [ $? = 1 ]", tmp_path, **environ)
    assert "differ:" in told
    assert "session-features event_count" in told


def test_a_file_that_is_no_recording_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(b"no")
    with pytest.raises(RecordingError, match=r"x\.gz is no recording .*topics record"):
        list(recorded_in_file(tmp_path / "x.gz"))
