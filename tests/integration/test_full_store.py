"""The disk of the visitor store is full: the worker says so and ends, and once there is room nothing is lost or counted twice."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from contracts.codec import DECISION_DECODER, ENCODER, SESSION_FEATURES_DECODER
from contracts.topics import DECISIONS, EVENTS, SESSION_FEATURES
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from tests.chaos.stage import small_disk
from tests.conftest import skip_unless_ci
from tests.integration.test_streams import Reader, clicks, differences, final_features
from tests.waiting import until
from tests.worker import READY_S, Worker

DISK_BYTES = 96_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", DISK_BYTES) as disk:
        if disk is None:
            skip_unless_ci("only root may mount a small disk on Linux")
        yield disk


def fill(disk: Path) -> Path:
    """Leave no byte on the disk."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(65_536))
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"0")
    os.sync()
    return filler


def ends_well_said(worker: Worker) -> None:
    assert worker.ends_with(READY_S) == 1
    (said,) = [line for line in worker.log.read_text().splitlines() if "the visitor store has no room" in line]
    assert "No space left on device" in said
    assert "make some there" in said


def test_a_worker_whose_disk_is_full_says_so_and_goes_on_once_there_is_room(
    broker: KafkaSettings, tmp_path: Path, disk: Path
) -> None:
    events = clicks(9_000, 900, Random(6))
    settings = {"SHOPSTREAM_PROCESS_STORE": "rocksdb", "SHOPSTREAM_PROCESS_STATE_DIR": str(disk / "state")}
    producer = durable_producer(broker)
    features = Reader(broker, SESSION_FEATURES, SESSION_FEATURES_DECODER)
    decisions = Reader(broker, DECISIONS, DECISION_DECODER)
    workers: list[Worker] = []

    def start() -> Worker:
        workers.append(Worker(broker, tmp_path / f"worker-{len(workers)}.log", **settings))
        return workers[-1]

    def send(first: int, last: int) -> None:
        for each in events[first:last]:
            producer.send(EVENTS.name, key=each.visitor_id.encode(), value=ENCODER.encode(each))
        producer.flush()

    def what_differs(count: int) -> list[str]:
        return differences(final_features(events[:count]), features, decisions)

    try:
        worker = start()
        send(0, 3_000)
        until(lambda: not what_differs(3_000), READY_S, worker.said)
        filler = fill(disk)
        send(3_000, 6_000)
        ends_well_said(worker)
        assert "Traceback" not in worker.log.read_text()
        ends_well_said(start())
        shutil.rmtree(disk / "state")  # and now something else takes the room
        fill(disk)
        ends_well_said(start())
        filler.unlink()
        worker = start()
        send(6_000, len(events))
        until(lambda: not what_differs(len(events)), READY_S, worker.said)
    finally:
        for each in workers:
            each.process.kill()
            each.process.wait()
        for reader in (features, decisions):
            reader.close()
        producer.close()
