"""The broker that benchmarks run on: Apache Kafka where it is, else the embedded one, with our topics and a folder beside it."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from runtime.kafka import create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import embedded_broker
from tests.apache_kafka.server import QUICK, apache_kafka, missing

APACHE_KAFKA = "Apache Kafka"


def kind_of_broker(*, is_embedded: bool) -> str:
    """Which one it will be, for the first line that a benchmark prints; the embedded one when that is asked for."""
    return "embedded broker" if is_embedded or missing() else APACHE_KAFKA


@contextmanager
def broker(kind: str, java_options: Sequence[str] = QUICK) -> Iterator[tuple[KafkaSettings, Path]]:
    """A fresh broker of that kind, and a folder for logs; both are gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = partial(apache_kafka, java_options=java_options) if kind == APACHE_KAFKA else embedded_broker
        kafka = KafkaSettings(brokers=(stack.enter_context(server(folder)),))
        create_topics(kafka)
        yield kafka, folder
