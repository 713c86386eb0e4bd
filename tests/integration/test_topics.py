"""The topics as a broker has them."""

from contextlib import closing

from kafka.admin import ConfigResource, ConfigResourceType

from contracts.topics import EVENTS, TOPICS
from runtime.kafka import admin, config_of, configs_of_topics
from runtime.settings import KafkaSettings
from shopstream.doctor import kafka_findings
from tests.waiting import until


def test_the_doctor_finds_a_topic_that_loses_records_before_their_time(either_broker: KafkaSettings) -> None:
    # Apache Kafka tells of a topic a moment after it was made.
    until(lambda: all(each.verdict == "ok" for each in kafka_findings(either_broker)))
    with closing(admin(either_broker)) as client:
        if not any(configs_of_topics(client, TOPICS).values()):
            return  # the embedded broker does not tell, and takes no others
        wanted = config_of(EVENTS, either_broker.replication_factor)
        assert configs_of_topics(client, TOPICS)[EVENTS.name].items() >= wanted.items()
        altered = {"cleanup.policy": "compact", "retention.ms": "3600000"}
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, EVENTS.name, altered)])
    (problem,) = until(lambda: [each for each in kafka_findings(either_broker) if each.verdict == "problem"])
    assert problem.text.startswith("events has cleanup.policy=compact,retention.ms=3600000")
    assert problem.repair.endswith("--topic events --add-config cleanup.policy=delete,retention.ms=604800000")
