"""The visitor store: each visitor's state, kept live in memory and as bytes in a Faust table with its changelog."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

import faust
import msgspec
from faust.stores import memory
from faust.types import EventT
from yarl import URL

from models.visitor import Visitor
from stream_processors.outbox import Outbox

ENCODER: Final = msgspec.msgpack.Encoder()
DECODER: Final = msgspec.msgpack.Decoder(Visitor)
MAX_LIVE: Final = 50_000
"""Visitors kept decoded; the others are decoded again when they return."""
MAX_STATE_BYTES: Final = 900_000
"""Kafka refuses a record above a megabyte, again at each attempt: one visitor with more would stop a partition."""


class StateTooLarge(ValueError):
    """A visitor's state does not fit a record of the changelog; the text says how large it would be."""


class Age(msgspec.Struct, array_like=True):
    """The beginning of a stored `Visitor`."""

    visitor_id: str
    folded: int


AGE: Final = msgspec.msgpack.Decoder(Age)


class NewestStates(memory.Store[bytes, bytes]):
    """Faust's in-memory store, which recovers the newest state of a visitor, not the last one written.

    A worker that was suspended, and whose partitions another one took over, may on waking still write the state it had.
    """

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Apply changelog records, passing over a state that is older than the one already there."""
        for event in batch:
            key, raw = to_key(event.key), event.message.value
            self._key_partition[key] = event.message.partition
            if raw is None:
                self.data.pop(key, None)
                self._key_partition.pop(key, None)
            elif key not in self.data or AGE.decode(raw).folded >= AGE.decode(self.data[key]).folded:
                self.data[key] = raw


class VisitorTable(faust.Table[bytes, bytes]):
    """A Faust table that recovers the newest states."""

    def _new_store(self) -> Any:
        return NewestStates(
            URL("memory://"), self.app, self, table_name=self.name, key_type=bytes, value_type=bytes, loop=self.loop
        )


class VisitorStore:
    """Typed store over a Faust table of bytes.

    Faust rebuilds the table from its changelog; the changelog records are ours to send, with the step's other output,
    so that state and features are acknowledged together.
    """

    def __init__(self, table: Any) -> None:
        self._table = table
        self._live: OrderedDict[str, Visitor] = OrderedDict()

    def get(self, visitor_id: str) -> Visitor:
        """The visitor's state; a new one for a visitor never seen."""
        visitor = self._live.get(visitor_id)
        if visitor is None:
            raw = self._table.data.get(visitor_id.encode())
            visitor = Visitor(visitor_id) if raw is None else DECODER.decode(raw)
            self._live[visitor_id] = visitor
            if len(self._live) > MAX_LIVE:
                self._live.popitem(last=False)
        return visitor

    def put(self, visitor: Visitor, partition: int, outbox: Outbox) -> None:
        """Keep the state, and add its changelog record to the outbox. Raises `StateTooLarge`, and then keeps nothing."""
        raw, key = ENCODER.encode(visitor), visitor.visitor_id.encode()
        if len(raw) > MAX_STATE_BYTES:
            raise StateTooLarge(f"the visitor's state would be {len(raw):,} bytes; {MAX_STATE_BYTES:,} are the most")
        self._table.data[key] = raw
        self._key_partitions[key] = partition
        outbox.put_raw(self._table.changelog_topic_name, partition, key, raw)

    def discard_live(self, visitor_id: str) -> None:
        """Forget changes that were not put."""
        self._live.pop(visitor_id, None)

    def recovered(self) -> Iterator[tuple[int, Visitor]]:
        """After a rebalance and recovery: every visitor with its partition.

        Faust has pruned the visitors of partitions that went to another worker, and keeps the others: it does not read
        their changelog again, so nothing may be removed from the table meanwhile.
        """
        self._live.clear()
        partitions = self._key_partitions
        for key, raw in self._table.data.items():
            yield partitions[key], DECODER.decode(raw)

    def __len__(self) -> int:
        return len(self._table.data)

    @property
    def _key_partitions(self) -> dict[bytes, int]:
        # Faust's in-memory store fills this during recovery and prunes by it after a rebalance.
        return cast(dict[bytes, int], self._table.data._key_partition)
