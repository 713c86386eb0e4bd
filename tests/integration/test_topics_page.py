"""The two programs of docs/topics.md read golden records from Apache Kafka, each told twice, and say what the page promises."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from kafka.errors import KafkaError

from contracts.examples import examples, record_of
from contracts.topics import DECISIONS, OUTCOMES, Topic
from runtime.kafka import admin, create_topics, durable_producer
from runtime.settings import KafkaSettings
from tests.apache_kafka.server import apache_kafka
from tests.apache_kafka.server import missing as apache_kafka_missing
from tests.conformance.installed import FOLDER as SDKS
from tests.conformance.installed import missing as sdks_missing
from tests.conftest import skip_unless_ci

PAGE: Final = Path(__file__).parents[2] / "docs" / "topics.md"
PATIENCE_S: Final = 60.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    """An Apache Kafka with every golden record on it, twice."""
    if reason := apache_kafka_missing():
        skip_unless_ci(reason)
    with apache_kafka(tmp_path_factory.mktemp("kafka")) as address:
        settings = KafkaSettings(brokers=(address,))
        create_topics(settings)
        producer = durable_producer(settings)
        for topic in (DECISIONS, OUTCOMES):
            for each in [*examples(topic), *examples(topic)]:
                producer.send(topic.name, **record_of(each)).get(30)
        producer.close()
        yield settings


def program(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def lines_of(command: list[str], kafka: KafkaSettings, topic: Topic, **environ: str) -> list[str]:
    """What a program has printed when its group has read the whole topic and committed."""
    environ = {**os.environ, "KAFKA_BROKERS": ",".join(kafka.brokers), **environ}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        # It reads on for ever; what it prints of these records is there by then.
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < deadline and not _has_read(kafka, topic):
            time.sleep(0.5)
    finally:
        process.terminate()
        out, error = process.communicate(timeout=30)
    assert out, error
    return out.splitlines()


def _has_read(kafka: KafkaSettings, topic: Topic) -> bool:
    group = "loyalty-team" if topic is DECISIONS else "crm-team"
    try:
        with closing(admin(kafka)) as client:
            committed = client.list_group_offsets(group).get(group, {})
    except KafkaError:  # the broker makes its offsets topic when the first group comes
        return False
    read: int = sum(each.offset for each in committed.values() if each.offset > 0)
    return read == 2 * len(examples(topic))


def test_the_python_program_prints_each_offer_once(kafka: KafkaSettings) -> None:
    told = lines_of([sys.executable, "-c", program("python")], kafka, DECISIONS)
    assert told == ["dGhlIHZpc2l0b3IgYWRhIDI 0.232866 free_shipping"]


def test_the_javascript_program_prints_each_abandoned_cart_once(kafka: KafkaSettings, tmp_path: Path) -> None:
    if reason := sdks_missing(node=True):
        skip_unless_ci(reason)
    if not (SDKS / "node_modules" / "kafkajs").is_dir():
        skip_unless_ci("kafkajs is not here; `make sdks` fetches it with npm")
    script = tmp_path / "carts.mjs"
    script.write_text(program("js"))
    (tmp_path / "node_modules").symlink_to(SDKS / "node_modules")
    told = lines_of(["node", str(script)], kafka, OUTCOMES, KAFKAJS_NO_PARTITIONER_WARNING="1")
    assert told == ["dGhlIHZpc2l0b3IgYWRhIDI 25"]
