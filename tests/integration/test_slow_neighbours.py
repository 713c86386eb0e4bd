"""A slow Postgres or a slow model holds nobody else up, and is seen."""

import json
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import psycopg2

from contracts.codec import DECISION_DECODER
from contracts.topics import DECISIONS
from runtime.settings import KafkaSettings
from shopstream.probes import figures_at
from tests.kafka_records import records_on
from tests.running import Running, running
from tests.waiting import until
from tests.worker import READY_S, click, working

VISITORS = 20


def figure(url: str, name: str) -> float:
    return (figures_at(url) or {}).get(name, 0.0)


def visit(pipeline: Running, visitor_id: str) -> None:
    body = {"batch": [{"type": "page", "anonymousId": visitor_id}], "writeKey": "demo"}
    with urllib.request.urlopen(f"{pipeline.urls['ingest']}/v1/batch", json.dumps(body).encode(), timeout=10) as answer:
        assert answer.status == 200


def decided(kafka: KafkaSettings, count: int) -> set[str]:
    return {DECISION_DECODER.decode(each.value).visitor_id for each in records_on(kafka, DECISIONS.name, count)}


def test_while_postgres_takes_nothing_decisions_go_on_and_the_wait_is_told(
    broker: KafkaSettings, database: str, tmp_path: Path
) -> None:
    visitors = {f"v{number}" for number in range(VISITORS)}
    with (
        running(broker, database, tmp_path, ("persist", "process", "ingest")) as pipeline,
        closing(psycopg2.connect(database)) as other,
    ):
        persist = pipeline.urls["persist"]
        with other.cursor() as cursor:
            cursor.execute("lock table events in exclusive mode")
        for visitor_id in visitors:
            visit(pipeline, visitor_id)
        assert decided(broker, VISITORS) == visitors
        until(lambda: figure(persist, "persist_transaction_age_seconds") > 2)
        assert pipeline.query("select count(*) from events") == [(0,)]
        other.rollback()
        until(lambda: pipeline.query("select count(*) from events") == [(VISITORS,)])
        until(lambda: figure(persist, "persist_transaction_age_seconds") < 1)


def test_a_slow_model_is_seen_in_the_lag_and_loses_nothing(broker: KafkaSettings, tmp_path: Path) -> None:
    with working(broker, tmp_path / "process.log", "tests.stuck_process", "model-slow") as worker:
        until(worker.is_ready, READY_S, worker.said)
        lags = []
        for number in range(VISITORS):
            click(broker, f"v{number}")
            lags.append(figure(worker.url, "process_lag_records"))
            time.sleep(0.2)
        until(lambda: figure(worker.url, "process_decisions_total") == VISITORS, 60, worker.said)
        assert max(lags) > 0
        calls = figure(worker.url, "process_scoring_seconds_count")
        assert figure(worker.url, "process_scoring_seconds_sum") >= calls * 1.0
        until(lambda: figure(worker.url, "process_lag_records") == 0)
        assert worker.process.poll() is None
    assert len(decided(broker, VISITORS)) == VISITORS
