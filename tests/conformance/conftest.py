"""The real ingest on an embedded broker, shared by all SDKs."""

import os
import sys
from collections.abc import Iterator

import pytest

from runtime.kafka import create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import embedded_broker
from shopstream.ports import free_port
from shopstream.probes import ready_check
from shopstream.supervise import Service, running
from tests.conformance.runs import Ingest


@pytest.fixture(scope="session")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    """The real ingest process on an embedded broker."""
    folder = tmp_path_factory.mktemp("ingest")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with embedded_broker(folder) as address:
        kafka = KafkaSettings(brokers=(address,))
        create_topics(kafka)
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")},
            "SHOPSTREAM_KAFKA_BROKERS": address,
            "SHOPSTREAM_INGEST_PORT": str(port),
        }
        service = Service(
            name="ingest",
            command=(sys.executable, "-m", "shopstream", "ingest"),
            log=folder / "ingest.log",
            ready=ready_check(url),
            environ=environ,
        )
        with running(service, timeout_s=60):
            yield Ingest(url, kafka)
