"""Reads the sink's next batch, and makes its rows, while Postgres takes the one before."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from stream_processors.persist_kafka import KafkaSource
from stream_processors.persist_rows import Partition, Record, Rows, rows_of

LOOK_EVERY_S: Final = 2.0
"""How often Kafka is asked which cluster it is and whether there is more to read."""


class Look(NamedTuple):
    """What Kafka says when asked."""

    cluster_id: str
    ends: Mapping[Partition, int]


class Batch(NamedTuple):
    """Records that are written together."""

    records: Sequence[Record]
    rows: Rows
    seen_ends: Mapping[Partition, int]
    """The offset after the last record of each partition, as far as fetching has shown."""
    look: Look | None
    """Only now and then."""


class ReadAhead:
    """One thread, which alone uses the source: the client is not made for two. At most one batch lies ready."""

    def __init__(self, source: KafkaSource, max_records: int, max_wait_s: float) -> None:
        self._source = source
        self._max_records = max_records
        self._max_wait_s = max_wait_s
        self._look_at = time.monotonic()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
        self._reading: Future[Batch] = self._thread.submit(self._read)

    def next(self) -> Batch:
        """The next batch, which may have no records; the one after it is being read from now on. Raises what reading raises."""
        batch = self._reading.result()
        self._reading = self._thread.submit(self._read)
        return batch

    def close(self) -> None:
        """Wait for the batch that is being read; it is read again by whoever comes next."""
        self._thread.shutdown(cancel_futures=True)

    def _read(self) -> Batch:
        records = self._source.read(self._max_records, self._max_wait_s)
        look = None
        if time.monotonic() >= self._look_at:
            look = Look(self._source.current_cluster_id(), self._source.ends())
            self._look_at = time.monotonic() + LOOK_EVERY_S
        return Batch(records, rows_of(records), self._source.seen_ends(), look)
