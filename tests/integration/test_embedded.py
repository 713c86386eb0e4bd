"""The embedded servers start, serve, and leave nothing behind."""

from dataclasses import replace

import psycopg2
import pytest

from contracts.topics import EVENTS, TOPICS
from runtime.kafka import TopicMismatch, admin, create_topics
from runtime.settings import KafkaSettings


def test_declared_topics_are_created_once(broker: KafkaSettings) -> None:
    client = admin(broker)
    assert {topic.name for topic in TOPICS} <= set(client.list_topics())
    client.close()
    assert create_topics(broker) == []


def test_a_test_gets_an_empty_database(database: str) -> None:
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from information_schema.tables where table_schema = 'public'")
        assert cursor.fetchone() == (0,)
    connection.close()


def test_a_topic_with_another_partition_count_is_refused_in_words(broker: KafkaSettings) -> None:
    wider = replace(EVENTS, partitions=EVENTS.partitions + 1)
    with pytest.raises(TopicMismatch, match="events has 6 partitions and Shopstream needs 7"):
        create_topics(broker, [wider])
