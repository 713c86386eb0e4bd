"""Live and offline are one computation: what the stream told of real and simulated sessions equals, bit by bit, what the same code gives for the same events from file."""

import threading
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

import msgspec
import pytest

from contracts.codec import ENCODER, EVENT_DECODER
from contracts.topics import EVENTS
from models.comparison import Comparison
from models.serving import Scorer
from models.visitor import GAP
from producers.ingest.accept import event_of_bytes
from producers.ingest.rejections import Rejection
from producers.ingest.write_keys import HISTORY
from producers.replay import google_merchandise, rees46
from producers.replay.items import ReplayItem
from producers.replay.run import run
from producers.shoppers.drive import run_shoppers
from producers.shoppers.report import ShopOptions
from runtime.recordings import Part, Record
from runtime.settings import KafkaSettings
from shopstream.__main__ import main
from shopstream.compare import compare
from tests.recorded import settled
from tests.replay_files import real_data
from tests.running import Running, running

REAL_SESSIONS: Final = 1_000


@pytest.fixture
def stream(broker: KafkaSettings, database: str, tmp_path: Path) -> Iterator[Running]:
    with running(broker, database, tmp_path, ("process", "ingest")) as services:
        yield services


def from_file(parts: list[dict[str, Part]], items: Iterable[ReplayItem]) -> list[dict[str, Part]]:
    """The recording with its events read from the log's own file; only when they were received is not in there."""
    bodies = {item.message_id: item for item in items}

    def reread(record: Record) -> Record:
        live = EVENT_DECODER.decode(record.value or b"")
        item = bodies[live.message_id]
        assert item.occurred_at is not None
        event = event_of_bytes(item.body, write_key=HISTORY, received_at=item.occurred_at, max_bytes=1_000_000)
        assert not isinstance(event, Rejection)
        return msgspec.structs.replace(
            record, value=ENCODER.encode(msgspec.structs.replace(event, received_at=live.received_at))
        )

    return [
        {
            **each,
            EVENTS.name: msgspec.structs.replace(each[EVENTS.name], records=[*map(reread, each[EVENTS.name].records)]),
        }
        for each in parts
    ]


def bit_equal(found: Comparison) -> None:
    assert (found.differing, [str(each) for each in found.first]) == (0, [])
    assert min(found.events, found.features, found.decisions) >= found.sessions > 0


def compared_by_command(stream: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("SHOPSTREAM_KAFKA_BROKERS", ",".join(stream.kafka.brokers))
    capsys.readouterr()
    assert main(["replay", "--compare"]) == 0, capsys.readouterr()
    return capsys.readouterr().out


def test_live_and_offline_are_bit_equal_on_a_thousand_real_sessions(
    stream: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = real_data() / "rees46-multi-category" / "events_2019-10-01_0000-0250.csv.gz"
    google, day = real_data() / "google-merchandise-store", date(2016, 8, 2)
    for needed in (log, google):
        if not needed.exists():
            pytest.skip(f"{needed} is not on this machine; SHOPSTREAM_TEST_DATA names the folder it is looked for in")
    sent = run(log, format="rees46", url=stream.urls["ingest"]).acknowledged
    sent += run(google, format="google-merchandise", url=stream.urls["ingest"], day=day).acknowledged
    parts, live = settled(stream.kafka, sent)
    bit_equal(live)
    items = [*rees46.recording(log).items, *google_merchandise.recording(google, day).items]
    offline = compare(from_file(parts, items), [Scorer.load()], GAP)
    bit_equal(offline)
    assert offline.sessions >= REAL_SESSIONS
    assert offline.events == sent
    told = compared_by_command(stream, monkeypatch, capsys)
    assert f"{offline.events:,} events of {offline.visitors:,} visitors give {offline.sessions:,} sessions" in told
    assert f"{offline.decisions:,} decisions compared" in told
    assert "all are equal, bit by bit" in told


def test_live_and_offline_are_bit_equal_on_simulated_shoppers(
    stream: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ShopOptions(
        ingest_url=stream.urls["ingest"], console_url=None, write_key="demo", shoppers=60, count=120, pace=20, seed=7
    )
    report = run_shoppers(options, stop=threading.Event())
    _, live = settled(stream.kafka, report.acknowledged)
    bit_equal(live)
    assert live.events == report.acknowledged
    assert "all are equal, bit by bit" in compared_by_command(stream, monkeypatch, capsys)
