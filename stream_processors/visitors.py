"""The visitor store: each visitor's state, a few decoded, all as bytes on shelves, and all in a changelog topic.

Faust reads the changelog back for the partitions a worker gets. The changelog records are ours to send, with the step's
other output; the shelves get a state only once Kafka has acknowledged it, so that they are never ahead of the changelog.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

import faust
import msgspec
from faust.stores import memory
from faust.types import TP, EventT
from yarl import URL

from models.visitor import Visitor
from stream_processors.outbox import Outbox
from stream_processors.shelves import Shelf, StoreDamaged
from stream_processors.stored_visitor import TIMES, Times, is_older
from stream_processors.unsent import AllUnsent, Unsent

log = logging.getLogger(__name__)

ENCODER: Final = msgspec.msgpack.Encoder()
DECODER: Final = msgspec.msgpack.Decoder(Visitor)
MAX_STATE_BYTES: Final = 700_000
"""Kafka refuses a record above a megabyte, again at each attempt: one visitor with more would stop a partition. Features name
all former ids of a session, and are a third longer in a dead letter."""


class StateTooLarge(ValueError):
    """A visitor's state does not fit a record of the changelog; the text says why."""


class VisitorStates(memory.Store[bytes, bytes]):
    """The shelves of the partitions that this worker has, filled by Faust's recovery.

    Of two states of a visitor the one with more events stays, not the one written last: a worker that was suspended, and
    whose partitions another one took over, may on waking still write the state it had.
    """

    def __init__(self, url: URL, app: Any, table: Any, *, open_shelf: Callable[[int], Shelf], **options: Any) -> None:
        super().__init__(url, app, table, **options)
        self.shelves: dict[int, Shelf] = {}
        self.damage: StoreDamaged | None = None
        """Set once something could not be read or written: Faust goes on after an exception, and must not."""
        self.read_at = time.monotonic()
        """When recovery last got something to read."""
        self._open_shelf = open_shelf

    def shelf(self, partition: int) -> Shelf:
        shelf = self.shelves.get(partition)
        if shelf is None:
            try:
                shelf = self.shelves[partition] = self._open_shelf(partition)
            except StoreDamaged as error:
                self.damage = error
                raise
        return shelf

    def persisted_offset(self, tp: TP) -> int | None:
        return self.shelf(tp.partition).offset

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Apply polls of changelog records."""
        if self.damage is not None:  # Faust tries once more as it stops, and would not stop
            return
        self.read_at = time.monotonic()
        for event in batch:
            try:
                self._apply(event.message.partition, cast(Any, event.message.value))
            except StoreDamaged as error:
                self.damage = error
                raise

    def _apply(self, partition: int, records: list[Any]) -> None:
        shelf = self.shelf(partition)
        new: dict[bytes, bytes | None] = {}
        added = 0
        for record in records:
            key, raw = record.key, record.value
            known = new[key] if key in new else shelf.get(key)
            if is_older(raw, known):
                continue
            added += (raw is not None) - (known is not None)
            new[key] = raw
        shelf.write(new, records[-1].offset, added)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Put away the shelves of partitions that another worker has now."""
        mine = {tp.partition for tp in active_tps}
        for partition in self.shelves.keys() - mine:
            self._put_away(partition)

    async def on_stop(self) -> None:
        for partition in list(self.shelves):
            self._put_away(partition)

    def _put_away(self, partition: int) -> None:
        try:
            self.shelves.pop(partition).close()
        except StoreDamaged as error:
            # Its log has all that was kept; should it not, the changelog has.
            log.warning("a part of the visitor store did not close well: %s", error)

    def reset_state(self) -> None:
        """Nothing: a folder that is not to be believed is removed when the next worker claims it."""


class VisitorTable(faust.Table[bytes, bytes]):
    """A Faust table whose states are on shelves."""

    open_shelf: Callable[[int], Shelf]

    def _new_store(self) -> Any:
        return VisitorStates(
            URL("shelves://"), self.app, self, open_shelf=type(self).open_shelf, table_name=self.name, loop=self.loop
        )


class VisitorStore:
    """Visitors by id, the most recent ones kept decoded."""

    def __init__(self, states: VisitorStates, changelog: str, most_decoded: int) -> None:
        self._states = states
        self._changelog = changelog
        self._most_decoded = max(1, most_decoded)  # the one at hand stays, or nobody would know that it is new
        self._decoded: OrderedDict[str, Visitor] = OrderedDict()
        self._unknown: set[str] = set()
        """Decoded visitors that are on no shelf yet."""
        self._unsent = AllUnsent()
        self._seen_up_to: tuple[int, bytes] = (0, b"")

    def get(self, visitor_id: str, partition: int) -> Visitor:
        """The visitor's state; a new one for a visitor never seen. Raises `StoreDamaged`."""
        visitor = self._decoded.get(visitor_id)
        if visitor is None:
            raw = self._raw(visitor_id.encode(), partition)
            visitor = Visitor(visitor_id) if raw is None else DECODER.decode(raw)
            self._decoded[visitor_id] = visitor
            if raw is None:
                self._unknown.add(visitor_id)
            if len(self._decoded) > self._most_decoded:
                self._unknown.discard(self._decoded.popitem(last=False)[0])
        else:
            self._decoded.move_to_end(visitor_id)
        return visitor

    def put(self, visitor: Visitor, partition: int, outbox: Outbox) -> None:
        """Keep the state, and add its changelog record to the outbox. Raises `StateTooLarge`, and then keeps nothing."""
        key = visitor.visitor_id.encode()
        try:
            raw = ENCODER.encode(visitor)
        except OverflowError as error:
            raise StateTooLarge("a sum in the visitor's state would need more than 64 bits") from error
        if len(raw) > MAX_STATE_BYTES:
            raise StateTooLarge(f"the visitor's state would be {len(raw):,} bytes; {MAX_STATE_BYTES:,} are the most")
        is_new = visitor.visitor_id in self._unknown
        self._unknown.discard(visitor.visitor_id)
        self._unsent.newest.put(partition, key, raw, added=int(is_new))
        outbox.put_raw(self._changelog, partition, key, raw)

    def remove(self, visitor_id: str, partition: int, outbox: Outbox) -> None:
        """Forget a visitor who is in the store, with a tombstone in the changelog."""
        self._decoded.pop(visitor_id, None)
        self._unsent.newest.put(partition, visitor_id.encode(), None, added=-1)
        outbox.put_raw(self._changelog, partition, visitor_id.encode(), None)

    def take(self) -> Unsent:
        """The states that were put since the last call, whose changelog records are sent together."""
        return self._unsent.take()

    def sent(self, unsent: Unsent, offsets: Mapping[tuple[str, int], range]) -> None:
        """Kafka has acknowledged these, at these offsets by topic and partition; the oldest first. Raises `StoreDamaged`."""
        self._unsent.forget(unsent)
        for partition, states in unsent.states.items():
            # A partition that went to another worker meanwhile is read from the changelog should it come back.
            if partition in self._states.shelves:
                try:
                    told = offsets.get((self._changelog, partition), range(0))
                    self._keep(partition, states, told, unsent)
                except StoreDamaged as error:
                    raise self._damaged(partition, error) from error

    def doubt(self) -> None:
        """Partitions move: what is under way to Kafka may be older than what recovery will have read when it is acknowledged."""
        self._unsent.doubt()

    def discard_live(self, visitor_id: str) -> None:
        """Forget changes that were not put."""
        self._decoded.pop(visitor_id, None)
        self._unknown.discard(visitor_id)

    def recovered(self) -> Iterator[tuple[int, Times]]:
        """After a rebalance and recovery, once nothing is under way: what timers need of every visitor, with its partition.

        Raises `StoreDamaged`.
        """
        self._decoded.clear()
        self._unknown.clear()
        for partition, shelf in list(self._states.shelves.items()):
            try:
                for raw in shelf.values():
                    yield partition, TIMES.decode(raw)
            except (StoreDamaged, msgspec.MsgspecError) as error:
                if self._states.shelves.get(partition) is shelf:  # else the next recovery has put it away meanwhile
                    raise self._damaged(partition, error) from error

    def next_few(self, limit: int) -> list[tuple[int, Times]]:
        """Some visitors more at each call, all of them in turn."""
        partition, key = self._seen_up_to
        partitions = sorted(number for number in self._states.shelves if number >= partition)
        if not partitions:
            self._seen_up_to = (0, b"")
            return []
        try:
            found = self._states.shelves[partitions[0]].after(key if partitions[0] == partition else b"", limit)
            self._seen_up_to = (partitions[0], found[-1][0]) if found else (partitions[0] + 1, b"")
            newest = [self._raw(key, partitions[0]) for key, _ in found]
            return [(partitions[0], TIMES.decode(raw)) for raw in newest if raw is not None]
        except (StoreDamaged, msgspec.MsgspecError) as error:
            raise self._damaged(partitions[0], error) from error

    def size_bytes(self) -> int:
        return sum(shelf.size_bytes for shelf in self._states.shelves.values())

    def __len__(self) -> int:
        return sum(map(len, self._states.shelves.values()))

    def _raw(self, key: bytes, partition: int) -> bytes | None:
        try:
            return self._unsent.get(partition, key)
        except KeyError:
            pass
        shelf = self._states.shelves.get(partition)
        if shelf is None:  # gone to another worker, which reads this poll as well
            return None
        try:
            return shelf.get(key)
        except StoreDamaged as error:
            raise self._damaged(partition, error) from error

    def _keep(self, partition: int, states: dict[bytes, bytes | None], told: range, unsent: Unsent) -> None:
        shelf, added = self._states.shelves[partition], unsent.added[partition]
        if unsent.may_be_old:
            # While Kafka took its time, recovery may have read these very states, or newer ones of another worker.
            known = {key: shelf.get(key) for key in states}
            states = {key: raw for key, raw in states.items() if not is_older(raw, known[key])}
            added = sum((raw is not None) - (known[key] is not None) for key, raw in states.items())
        # Where another worker wrote in between, recovery has to read that first: the offset stays, and so do later ones.
        is_next = (
            told.start == (0 if shelf.offset is None else shelf.offset + 1) and len(told) == unsent.counts[partition]
        )
        shelf.write(states, told[-1] if is_next else None, added)

    def _damaged(self, partition: int, error: Exception) -> StoreDamaged:
        damage = error if isinstance(error, StoreDamaged) else StoreDamaged(f"partition {partition}: {error}")
        self._states.damage = damage
        return damage
