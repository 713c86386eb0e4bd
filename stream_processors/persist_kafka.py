"""The sink's side of Kafka: every partition of its topics, read from the offsets that Postgres knows."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from runtime.kafka import KafkaUnreachable, admin, unreachable
from runtime.settings import KafkaSettings
from stream_processors.persist_rows import Partition, Record

TIMEOUT_MS: Final = 3_000
PAUSE_S: Final = 0.01
"""Between polls that fill one batch: polling costs CPU, and these records are waiting anyway."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TopicsMissing(RuntimeError):
    """Not all topics exist yet; the text says which and what to do."""


class KafkaSource:
    """Reads topics without a consumer group: where to start is said by `seek`, and nothing is committed to Kafka.

    Raises `KafkaUnreachable` and `TopicsMissing`.
    """

    def __init__(self, settings: KafkaSettings, topics: Iterable[str]) -> None:
        self._settings = settings
        self._admin = admin(settings, timeout_ms=TIMEOUT_MS)
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=list(settings.brokers),
                bootstrap_timeout_ms=TIMEOUT_MS,
                request_timeout_ms=TIMEOUT_MS,
                group_id=None,
                enable_auto_commit=False,
                # Where Kafka has forgotten what we wanted next, go on with the oldest it has.
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                reconnect_backoff_max_ms=1_000,
                metrics_enabled=False,
            )
        except KafkaError as error:
            self._admin.close()
            raise KafkaUnreachable(unreachable(settings)) from error
        try:
            self.cluster_id = self.current_cluster_id()
            self.partitions = self._partitions(topics)
        except BaseException:
            self.close()
            raise
        self._consumer.assign([TopicPartition(*each) for each in self.partitions])

    def current_cluster_id(self) -> str:
        """Which cluster answers now: a broker that was started anew with nothing in it is another one."""
        try:
            return str(self._admin.describe_cluster()["cluster_id"])
        except KafkaError as error:
            raise KafkaUnreachable(unreachable(self._settings)) from error

    def _partitions(self, topics: Iterable[str]) -> list[Partition]:
        numbers = {topic: self._consumer.partitions_for_topic(topic) for topic in topics}
        missing = [topic for topic, found in numbers.items() if not found]
        if missing:
            raise TopicsMissing(f"Kafka has no topic {', '.join(missing)} yet; run `shopstream topics create`")
        return [(topic, number) for topic, found in numbers.items() for number in sorted(found)]

    def seek(self, offsets: Mapping[Partition, int]) -> None:
        for partition in self.partitions:
            self._consumer.seek(TopicPartition(*partition), offsets[partition])

    def read(self, max_records: int, max_wait_s: float) -> list[Record]:
        """Records in the order of their partitions: as many as come within `max_wait_s`, but at most `max_records`."""
        records: list[Record] = []
        deadline = time.monotonic() + max_wait_s
        while len(records) < max_records and (left_s := deadline - time.monotonic()) > 0:
            if records:
                time.sleep(min(PAUSE_S, left_s))
            polled = self._consumer.poll(timeout_ms=int(left_s * 1000), max_records=max_records - len(records))
            for (topic, number), found in polled.items():
                records += [
                    Record(topic, number, each.offset, each.value, EPOCH + timedelta(milliseconds=each.timestamp))
                    for each in found
                ]
        return records

    def seen_ends(self) -> dict[Partition, int]:
        """The offset after the last record of each partition, as far as fetching has shown."""
        ends = {each: self._consumer.highwater(TopicPartition(*each)) for each in self.partitions}
        return {partition: end for partition, end in ends.items() if end is not None}

    def ends(self) -> dict[Partition, int]:
        """The same as Kafka says when asked, which a consumer that gets nothing needs. Raises `KafkaUnreachable`."""
        try:
            told = self._consumer.end_offsets([TopicPartition(*each) for each in self.partitions], TIMEOUT_MS)
        except KafkaError as error:
            raise KafkaUnreachable(unreachable(self._settings)) from error
        seen = self.seen_ends()
        # The embedded broker tells ends too low.
        return {
            partition: max(told[TopicPartition(*partition)], seen.get(partition, 0)) for partition in self.partitions
        }

    def close(self) -> None:
        self._consumer.close()
        self._admin.close()
