"""schemathesis against a running ingest: what it makes of the OpenAPI document, right and wrong, is answered as the document says."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from producers.ingest import openapi
from runtime.kafka import create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import embedded_broker
from tests.ingest_process import IngestProcess, ingest_process, track

load_all_checks()
UNMEANT = CHECKS.get_by_names(
    [
        "negative_data_rejection",  # what does not fit is a verdict on one event, in a 200, and a dead letter
        "ignored_auth",  # the write key may also stand in the body
    ]
)
ONE_PATH_EACH = "^(/v1/(batch|track|identify|shopify|ga4|m|projects/.*)|/com.*|/i|/g/collect|/(debug/)?mp/collect|/sourceConfig|/openapi.json|/shopstream.js|/.*z)$"
"""Aliases lead to the same code."""
document = schemathesis.openapi.from_dict(openapi.document()).include(path_regex=ONE_PATH_EACH)


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestProcess]:
    folder = tmp_path_factory.mktemp("ingest")
    with embedded_broker(folder) as address:
        kafka = KafkaSettings(brokers=(address,))
        create_topics(kafka)
        with ingest_process(kafka, folder / "ingest.log") as running:
            yield running
            assert "Traceback" not in (folder / "ingest.log").read_text()
            assert running.post(track("good")).json["accepted"] == 1


@document.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_operation_answers_as_described(ingest: IngestProcess, case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(base_url=ingest.url, auth=("demo", ""), excluded_checks=UNMEANT, timeout=20)  # type: ignore[arg-type]  # its own names
