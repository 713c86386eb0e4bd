"""Models change while events flow: a promoted one decides within seconds, a bad one is refused, and no event is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition

from contracts.codec import DECISION_DECODER, ENCODER
from contracts.decisions import Decision
from contracts.topics import DECISIONS, EVENTS, PARTITIONS
from models.card import CARD_FILE, MODEL_FILE
from models.registry import Registry
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings, ProcessSettings
from shopstream.__main__ import main
from shopstream.doctor_models import model_findings
from shopstream.finding import Finding
from shopstream.probes import figures_at, samples_at
from shopstream.written import write_whole
from tests.factories import event
from tests.models import model_in
from tests.running import Running, running
from tests.waiting import until

WITHIN_S = 5.0
LONG_S = 60.0
VISITORS = 40


class Shop:
    """Visitors who click without pause, and everything that is decided about them."""

    def __init__(self, pipeline: Running) -> None:
        self.pipeline = pipeline
        self.sent = 0
        self.decisions: list[Decision] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=target) for target in (self._click, self._read)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def _click(self) -> None:
        producer = durable_producer(self.pipeline.kafka)
        while not self._stop.wait(0.01):
            each = event(
                occurred_at=datetime.now(UTC), message_id=f"m{self.sent}", visitor_id=f"v{self.sent % VISITORS}"
            )
            producer.send(EVENTS.name, key=each.visitor_id.encode(), value=ENCODER.encode(each))
            self.sent += 1
        producer.flush()
        producer.close()

    def _read(self) -> None:
        consumer = KafkaConsumer(bootstrap_servers=list(self.pipeline.kafka.brokers), enable_auto_commit=False)
        partitions = [TopicPartition(DECISIONS.name, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        while not self._stop.is_set():
            for records in consumer.poll(timeout_ms=100).values():
                self.decisions += [DECISION_DECODER.decode(record.value) for record in records]
        consumer.close()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def first(self, holds: Callable[[Decision], bool], after: datetime, within_s: float = LONG_S) -> Decision:
        """The first decision made after an instant of which it holds."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            for each in list(self.decisions):
                if each.decided_at > after and holds(each):
                    return each
            time.sleep(0.05)
        newest = self.decisions[-1] if self.decisions else None
        raise AssertionError(f"no such decision; the newest is {newest}; {self.pipeline.log('process')}")

    def figure(self, name: str) -> float:
        return (figures_at(self.pipeline.urls["process"]) or {}).get(name, 0.0)

    def in_force(self) -> dict[str, str]:
        """Role to version, as the worker tells it."""
        found = samples_at(self.pipeline.urls["process"], "process_model_info") or []
        return {labels["role"]: labels["version"] for labels, _ in found}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry that both the workers and the command line use."""
    folder = tmp_path / "model-registry"
    monkeypatch.setenv("SHOPSTREAM_PROCESS_REGISTRY_DIR", str(folder))
    return Registry(folder)


@contextmanager
def shop(kafka: KafkaSettings, dsn: str, folder: Path) -> Iterator[Shop]:
    with running(kafka, dsn, folder, ("persist", "process")) as pipeline:
        found = Shop(pipeline)
        found.start()
        try:
            yield found
        finally:
            found.stop()


def models(*arguments: str) -> datetime:
    """Run `shopstream models …`; when it had been done."""
    assert main(["models", *arguments]) == 0
    return datetime.now(UTC)


def by_hand(registry: Registry, champion: str) -> None:
    """Name a champion without any check, as whoever edits the file does."""
    state = msgspec.structs.replace(registry.state(), champion=champion)
    write_whole(registry.state_file, msgspec.json.encode(state))


def diagnosed(shop: Shop, registry: Registry) -> list[Finding]:
    return list(model_findings(ProcessSettings(registry_dir=str(registry.folder)), shop.in_force()))


def test_a_promoted_model_decides_within_seconds_a_bad_one_is_refused_and_no_event_is_lost(
    either_broker: KafkaSettings, database: str, tmp_path: Path, registry: Registry
) -> None:
    began = datetime.now(UTC)
    models("add", str(model_in(tmp_path / "a", "calm-1", likelihood=0.11)))
    models("add", str(model_in(tmp_path / "b", "keen-2", likelihood=0.22)))
    with shop(either_broker, database, tmp_path) as crowd:
        crowd.first(lambda each: each.model_version.startswith("forest-"), began)

        for version, likelihood in (("calm-1", 0.11), ("keen-2", 0.22)):
            promoted_at = models("promote", version)
            found = crowd.first(lambda each, version=version: each.model_version == version, promoted_at)  # type: ignore[misc]
            assert found.decided_at - promoted_at < timedelta(seconds=WITHIN_S)
            assert found.likelihood == likelihood
        assert [each.verdict for each in diagnosed(crowd, registry)] == ["ok"]

        # Both kinds of bad model are refused by the command line …
        other_features = model_in(tmp_path / "c", "other-3", features_digest="0" * 16)
        assert main(["models", "add", str(other_features)]) != 0
        # … and by the worker, when they come past it.
        for version in ("other-3", "broken-4"):
            folder = model_in(registry.folder_of(version), version)
            if version == "other-3":
                (folder / CARD_FILE).write_bytes((other_features / CARD_FILE).read_bytes())
            else:
                (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:-1_000])
            before = crowd.figure("process_model_reloads_total")
            by_hand(registry, version)
            until(
                lambda before=before: crowd.figure("process_model_reloads_total") > before,  # type: ignore[misc]
                LONG_S,
                lambda: crowd.pipeline.log("process"),
            )
            assert crowd.figure("process_models_refused") == 1
            assert crowd.in_force() == {"champion": "keen-2"}
            (finding,) = diagnosed(crowd, registry)
            assert (finding.verdict, finding.repair) == (
                "problem",
                "shopstream models rollback, promote another, or add it again from its folder",
            )
            assert f"refused {version} as champion" in crowd.pipeline.log("process")
        # A registry that is being restored, or copied by hand, is half there for a while.
        kept = registry.state_file.read_bytes()
        for half in (b"", kept[: len(kept) // 2]):
            before = crowd.figure("process_model_reloads_total")
            registry.state_file.write_bytes(half)
            until(
                lambda before=before: crowd.figure("process_model_reloads_total") > before,  # type: ignore[misc]
                LONG_S,
                lambda: crowd.pipeline.log("process"),
            )
            assert crowd.in_force() == {"champion": "keen-2"}
        refused_at = datetime.now(UTC)
        assert crowd.first(lambda each: each.decided_at > refused_at, refused_at).model_version == "keen-2"
        registry.state_file.write_bytes(kept)

        # Added again, the model that was broken is whole, and served without being named once more.
        repaired_at = models("add", str(model_in(tmp_path / "d", "broken-4")))
        crowd.first(lambda each: each.model_version == "broken-4", repaired_at)

        rolled_back_at = models("rollback")
        crowd.first(lambda each: each.model_version == "calm-1", rolled_back_at)
        assert crowd.figure("process_models_refused") == 0

        crowd.stop()
        everything = [(crowd.sent, crowd.sent, crowd.sent)]
        counts = (
            "select (select count(*) from events), (select count(distinct message_id) from events),"
            " (select coalesce(sum(event_count), 0) from sessions)"
        )
        until(lambda: crowd.pipeline.query(counts) == everything, LONG_S, lambda: crowd.pipeline.query(counts))
        assert crowd.pipeline.query("select count(*) from dead_letter") == [(0,)]


def test_a_challenger_is_recorded_beside_the_champion_and_decides_nothing(
    broker: KafkaSettings, database: str, tmp_path: Path, registry: Registry
) -> None:
    began = datetime.now(UTC)
    models("add", str(model_in(tmp_path / "b", "keen-2", likelihood=0.9)))
    with shop(broker, database, tmp_path) as crowd:
        alone = crowd.first(lambda _: True, began)
        assert alone.challenger_version is None
        shadowed_at = models("shadow", "keen-2")
        found = crowd.first(lambda each: each.challenger_version is not None, shadowed_at)
        assert (found.challenger_version, found.challenger_likelihood) == ("keen-2", 0.9)
        assert found.model_version == alone.model_version
        assert found.likelihood < 0.5
        until(
            lambda: (
                crowd.pipeline.query("select count(*) > 100 from predictions where challenger_version = 'keen-2'")
                == [(True,)]
            ),
            LONG_S,
            lambda: crowd.pipeline.log("persist"),
        )
        stopped_at = models("shadow", "--stop")
        crowd.first(lambda each: each.challenger_version is None, stopped_at)


def test_a_worker_without_a_fit_model_decides_by_the_prior_until_one_comes(
    broker: KafkaSettings, database: str, tmp_path: Path, registry: Registry
) -> None:
    began = datetime.now(UTC)
    models("add", str(model_in(tmp_path / "a", "calm-1", likelihood=0.11)))
    folder = model_in(registry.folder_of("broken-4"), "broken-4")
    (folder / CARD_FILE).write_text("{")
    by_hand(registry, "broken-4")
    with shop(broker, database, tmp_path) as crowd:
        found = crowd.first(lambda each: each.event_count > 3, began)
        assert (found.model_version, found.likelihood, found.incentive) == ("prior-0.0250", 0.025, None)
        assert "no model can be served" in found.because[0]
        assert crowd.figure("process_models_refused") == 1
        promoted_at = models("promote", "calm-1")
        crowd.first(lambda each: each.model_version == "calm-1", promoted_at)
