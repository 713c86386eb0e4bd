"""Hop 6. Events, session features, decisions, outcomes and dead letters in, Postgres rows out, exactly once.

The offsets are in Postgres, written in the transaction of the rows that they stand for: after a crash, on either side,
reading goes on with the first record that has no row yet. Any trouble ends both connections; the next ones start from there.
"""

import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from threading import Event as Flag
from typing import Final

import psycopg2
from kafka.errors import KafkaError
from prometheus_client import Counter, Gauge, Histogram
from psycopg2.errors import ReadOnlySqlTransaction

from runtime.health import HealthServer
from runtime.kafka import KafkaUnreachable, kafka_check
from runtime.settings import KafkaSettings, PersistSettings, PostgresSettings
from runtime.stopping import leave_soon_after_signals, stop_on_signals
from sql.connection import PostgresUnreachable, connect, postgres_check, unreachable
from sql.migrate import SchemaError
from stream_processors.persist_ahead import ReadAhead
from stream_processors.persist_kafka import KafkaSource, TopicsMissing
from stream_processors.persist_postgres import OffsetsMoved, PostgresSink, blames_the_row
from stream_processors.persist_rows import DECODERS, Partition, Record, Rows, buried, rows_of

log = logging.getLogger(__name__)

ROWS: Final = Counter("persist_rows_total", "Rows written, by table.", ["table"])
DEAD_LETTERS: Final = Counter(
    "persist_dead_letters_total", "Records that could not be stored, buried by the sink itself.", ["code"]
)
LAG: Final = Gauge("persist_lag_records", "Records in Kafka that are not in Postgres yet.", ["topic", "partition"])
TRANSACTION: Final = Histogram("persist_transaction_seconds", "Time to write one transaction.")
TRANSACTION_AGE: Final = Gauge(
    "persist_transaction_age_seconds", "How long the transaction under way has taken by now; 0 when there is none."
)
INTERRUPTIONS: Final = Counter(
    "persist_interruptions_total", "Times the sink lost Kafka or Postgres, by cause.", ["cause"]
)
IS_WRITING: Final = Gauge("persist_is_writing", "1 while connected to both Kafka and Postgres, else 0.")
MISSED: Final = Counter(
    "persist_missed_records_total", "Records that Kafka had dropped before they were read.", ["topic"]
)
SINCE_LAST_RECORD: Final = Gauge("persist_seconds_since_last_record", "Since a record was last read from Kafka.")

SNAPSHOT_EVERY_S: Final = 60.0
STUCK_AFTER_S: Final = 30.0
TURN_S: Final = 0.0002
"""How long the thread that reads ahead may keep the interpreter from the one that writes. With the usual 5 ms each of a transaction's
twenty answers from Postgres would wait so long."""
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 2.0


class SourceStuck(RuntimeError):
    """Kafka says that there is more to read, and nothing comes."""


TROUBLE: Final = (
    PostgresUnreachable,
    SchemaError,
    KafkaUnreachable,
    TopicsMissing,
    OffsetsMoved,
    SourceStuck,
    KafkaError,
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    ReadOnlySqlTransaction,
)
"""What passes by itself, or once someone did what the text says. Anything else is a bug and ends the process."""


def serve(persist: PersistSettings, kafka: KafkaSettings, postgres: PostgresSettings) -> int:
    """Run the sink until SIGTERM or SIGINT; returns the exit code, 1 after a bug."""
    sys.setswitchinterval(TURN_S)
    stop = stop_on_signals()
    leave_soon_after_signals()  # Postgres may be frozen in the middle of a transaction
    sink = SinkLoop(persist, kafka, postgres)
    checks = {"postgres": postgres_check(postgres.dsn), "kafka": kafka_check(kafka), "sink": lambda: sink.problem}
    health = HealthServer(persist.host, persist.port, checks)
    health.start()
    try:
        sink.run(stop)
    except Exception:
        log.exception("the sink met a bug and ends; what it had not committed will be read again")
        return 1
    finally:
        health.stop()
    return 0


class SinkLoop:
    """Connect to both sides, write until something gives way, wait, connect again."""

    def __init__(self, persist: PersistSettings, kafka: KafkaSettings, postgres: PostgresSettings) -> None:
        self._persist = persist
        self._kafka = kafka
        self._postgres = postgres
        self._last_record_at = time.monotonic()
        self._wait_s = FIRST_WAIT_S
        SINCE_LAST_RECORD.set_function(lambda: time.monotonic() - self._last_record_at)
        self.problem: str | None = "the sink is not connected yet; wait a moment"
        """What keeps rows from being written, as `/readyz` tells it."""

    def run(self, stop: Flag) -> None:
        """Write until `stop` is set. Trouble of Kafka or Postgres is waited out, a bug is raised."""
        while not stop.is_set():
            try:
                with (
                    closing(connect(self._postgres.dsn)) as connection,
                    closing(KafkaSource(self._kafka, DECODERS)) as source,
                ):
                    self._pump(stop, source, PostgresSink(connection, source.cluster_id))
            except TROUBLE as error:
                self._is_troubled(error)
                stop.wait(self._wait_s)
                self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        IS_WRITING.set(0)

    def _pump(self, stop: Flag, source: KafkaSource, writer: PostgresSink) -> None:
        """Write what comes until `stop` is set or another cluster answers."""
        source.seek(writer.read_offsets(source.partitions))
        connected_at = snapshot_at = time.monotonic()
        with closing(ReadAhead(source, self._persist.batch_rows, self._persist.batch_ms / 1000)) as ahead:
            while not stop.is_set():
                batch = ahead.next()
                now = time.monotonic()
                if batch.records:
                    self._last_record_at = now
                    count_missed(batch.records, writer.offsets)
                    tell_lag(batch.seen_ends, writer.offsets)
                    store(writer, batch.records, batch.rows)
                    tell_lag(batch.seen_ends, writer.offsets)
                if batch.look is not None:
                    if batch.look.cluster_id != source.cluster_id:
                        log.warning("Kafka was started anew with another cluster id; reading it from its beginning")
                        return
                    lag = tell_lag(batch.look.ends, writer.offsets)
                    if lag and now - max(self._last_record_at, connected_at) > STUCK_AFTER_S:
                        raise SourceStuck(f"Kafka has {lag} more records but does not hand them over; connecting again")
                if now >= snapshot_at:
                    snapshot_at = now + SNAPSHOT_EVERY_S
                    writer.take_snapshot()
                self._is_well()

    def _is_well(self) -> None:
        if self.problem:
            log.info("connected to Kafka and Postgres")
        self.problem = None
        self._wait_s = FIRST_WAIT_S
        IS_WRITING.set(1)

    def _is_troubled(self, error: Exception) -> None:
        problem = str(error)
        if isinstance(error, psycopg2.Error):
            problem = unreachable(self._postgres.dsn, error)
        if problem != self.problem:
            log.warning("%s; trying again until it works", problem)
        self.problem = problem
        IS_WRITING.set(0)
        INTERRUPTIONS.labels(type(error).__name__).inc()


def store(writer: PostgresSink, records: Sequence[Record], rows: Rows | None = None) -> None:
    """Write records in one transaction; when a row cannot be written, find its record and bury it, and write the others.

    `rows` are those of the records, where somebody has made them already.
    """
    try:
        rows = rows or rows_of(records)
        with TRANSACTION.time(), _aging():
            counts = writer.write(rows)
    except psycopg2.Error as error:
        if not blames_the_row(error):
            raise
        if len(records) > 1:
            # Both halves keep each partition's order, so each is a batch like any other.
            middle = len(records) // 2
            store(writer, records[:middle])
            store(writer, records[middle:])
            return
        rows = buried(records[0], str(error).splitlines()[0])
        counts = writer.write(rows)
    for code in rows.buried:
        DEAD_LETTERS.labels(code).inc()
    for table, count in counts.items():
        ROWS.labels(table).inc(count)


@contextmanager
def _aging() -> Iterator[None]:
    """While a slow Postgres holds a transaction up, the lag stands still: nobody reads on. Its age does not."""
    began_at = time.monotonic()
    TRANSACTION_AGE.set_function(lambda: time.monotonic() - began_at)
    try:
        yield
    finally:
        TRANSACTION_AGE.set_function(lambda: 0.0)


def tell_lag(ends: Mapping[Partition, int], offsets: Mapping[Partition, int]) -> int:
    """Records that are not in Postgres yet, of all partitions; `/metrics` tells it of each."""
    lags = {each: max(0, end - offsets[each]) for each, end in ends.items()}
    for (topic, partition), lag in lags.items():
        LAG.labels(topic, partition).set(lag)
    return sum(lags.values())


def count_missed(records: Sequence[Record], offsets: Mapping[Partition, int]) -> None:
    """Say it loudly when Kafka no longer had what the sink wanted next."""
    expected = dict(offsets)
    for record in records:
        partition = record.topic, record.partition
        missed = record.offset - expected[partition]
        if missed > 0:
            MISSED.labels(record.topic).inc(missed)
            log.error("%d records of %s/%d are gone from Kafka and were never written", missed, *partition)
        expected[partition] = record.offset + 1
