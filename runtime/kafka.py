"""Kafka clients the way every step uses them: durable producers, declared topics, a reachability check."""

import logging
import socket
import threading
from collections.abc import Collection, Iterable
from contextlib import closing, suppress
from dataclasses import replace

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from contracts.topics import TOPICS, Topic
from runtime.health import Check
from runtime.settings import KafkaSettings

log = logging.getLogger(__name__)


class KafkaUnreachable(ConnectionError):
    """No broker answered; the text names the addresses tried and what to do."""


def durable_producer(settings: KafkaSettings, *, timeout_ms: int = 10_000, linger_ms: int = 0) -> KafkaProducer:
    """A producer whose `send` future succeeds only when all in-sync replicas have the record.

    `timeout_ms` bounds how long a record may wait for that. Raises `KafkaUnreachable`.
    """
    require_listening(settings)
    try:
        return KafkaProducer(
            bootstrap_servers=list(settings.brokers),
            acks="all",
            # The embedded broker has no transactions or producer ids; duplicates are removed by message id downstream.
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,
            linger_ms=linger_ms,
            batch_size=262_144,
            max_request_size=8_388_608,
            delivery_timeout_ms=timeout_ms,
            request_timeout_ms=min(timeout_ms - linger_ms, 10_000),
            bootstrap_timeout_ms=min(timeout_ms, 5_000),
            max_block_ms=min(timeout_ms, 5_000),
            reconnect_backoff_max_ms=1_000,
            allow_auto_create_topics=False,
        )
    except KafkaError as error:
        raise KafkaUnreachable(unreachable(settings)) from error


def admin(settings: KafkaSettings, *, timeout_ms: int = 10_000) -> KafkaAdminClient:
    """An administration client. Raises `KafkaUnreachable`."""
    require_listening(settings, timeout_s=min(timeout_ms / 1000, 2.0))
    try:
        return KafkaAdminClient(
            bootstrap_servers=list(settings.brokers), request_timeout_ms=timeout_ms, bootstrap_timeout_ms=timeout_ms
        )
    except KafkaError as error:
        raise KafkaUnreachable(unreachable(settings)) from error


def cluster_id_of(settings: KafkaSettings) -> str:
    """Which cluster the brokers are: offsets of one mean nothing on another. Raises `KafkaUnreachable`."""
    with closing(admin(settings)) as client:
        return str(client.describe_cluster()["cluster_id"])


def require_listening(settings: KafkaSettings, timeout_s: float = 2.0) -> None:
    """Raises `KafkaUnreachable` when no broker accepts a connection.

    Asked first, because a kafka-python client that cannot bootstrap leaves its input and output thread behind.
    """
    for address in settings.brokers:
        host, _, port = address.rpartition(":")
        with suppress(OSError, ValueError), socket.create_connection((host.strip("[]"), int(port)), timeout_s):
            return
    raise KafkaUnreachable(unreachable(settings))


def unreachable(settings: KafkaSettings) -> str:
    return (
        f"no Kafka broker answers at {', '.join(settings.brokers)}; "
        "start it, or set SHOPSTREAM_KAFKA_BROKERS to one that runs"
    )


class TopicMismatch(ValueError):
    """A topic exists with another number of partitions than declared; the text says what to do."""


class TopicMissing(LookupError):
    """A declared topic does not exist; the text says what to do."""


def require_topics(settings: KafkaSettings, names: Collection[str]) -> None:
    """Asks for declared topics without creating any. Raises `KafkaUnreachable`, `TopicMissing` or `TopicMismatch`."""
    with closing(admin(settings)) as client:
        try:
            present = set(client.list_topics())
            for topic in declared_topics(settings):
                if topic.name in names:
                    if topic.name not in present:
                        raise TopicMissing(f"topic {topic.name} is missing; create it with `shopstream topics create`")
                    _require_partitions(client, topic)
        except KafkaError as error:
            raise KafkaUnreachable(unreachable(settings)) from error


def declared_topics(settings: KafkaSettings) -> tuple[Topic, ...]:
    """The topics with the number of partitions that this installation chose."""
    return tuple(replace(topic, partitions=settings.partitions) for topic in TOPICS)


def config_of(topic: Topic, replication_factor: int) -> dict[str, str]:
    """Kafka's settings of a topic that must keep every record for its time, whatever the cluster's defaults are."""
    retention_ms = int(topic.retention.total_seconds() * 1000)
    return {"cleanup.policy": "delete", "retention.ms": str(retention_ms), **acknowledged_by(replication_factor)}


def acknowledged_by(replication_factor: int) -> dict[str, str]:
    """How many replicas must have a record before it is acknowledged: of three two.

    By default one will do once the others are behind, and a broker that fails then takes acknowledged records along.
    """
    return {"min.insync.replicas": str((replication_factor + 1) // 2)}


def configs_of_topics(client: KafkaAdminClient, topics: Iterable[Topic]) -> dict[str, dict[str, str]]:
    """Kafka's settings of existing topics, by name; nothing of a broker that does not tell them. Raises `KafkaError`."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    told = client.describe_configs(asked, config_filter="all")
    return {
        topic: {name: str(each["value"]) for name, each in config.items()}
        for topic, config in told.get("topic", {}).items()
    }


def create_topics(settings: KafkaSettings, topics: Iterable[Topic] | None = None) -> list[str]:
    """Create the declared topics that are missing; returns their names. Raises `KafkaUnreachable` or `TopicMismatch`."""
    topics = declared_topics(settings) if topics is None else topics
    client = admin(settings)
    created = []
    try:
        present = set(client.list_topics())
        for topic in topics:
            if topic.name in present:
                _require_partitions(client, topic)
                continue
            config = config_of(topic, settings.replication_factor)
            new = NewTopic(topic.name, topic.partitions, settings.replication_factor, topic_configs=config)
            try:
                client.create_topics([new])
            except TopicAlreadyExistsError:
                continue
            created.append(topic.name)
    finally:
        client.close()
    return created


def _require_partitions(client: KafkaAdminClient, topic: Topic) -> None:
    (described,) = client.describe_topics([topic.name])
    partitions = len(described["partitions"])
    if partitions != topic.partitions:
        raise TopicMismatch(
            f"topic {topic.name} has {partitions} partitions and Shopstream needs {topic.partitions}, since a visitor's "
            "events, features and decisions must be on partitions of the same number; set SHOPSTREAM_KAFKA_PARTITIONS to "
            "what the topics have, delete the topic if it is empty, or build anew beside it (docs/growing.md)"
        )


def kafka_check(settings: KafkaSettings) -> Check:
    """A health check that asks a broker for the cluster's metadata, keeping one client between calls."""
    holder: list[KafkaAdminClient] = []
    turn = threading.Lock()  # two probes at once must not open two clients

    def check() -> str | None:
        with turn:
            try:
                if not holder:
                    holder.append(admin(settings, timeout_ms=2_000))
                holder[0].list_topics()
            except (KafkaError, OSError) as error:
                if holder:
                    holder.pop().close()
                log.debug("Kafka check failed: %r", error)
                return unreachable(settings)
            return None

    return check
