"""What the shoppers of one fault do: events of visits, in event time, some told twice, some late, some broken; and some are erased."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from zlib import crc32

from contracts.codec import ENCODER
from contracts.decisions import Decision
from contracts.erasures import erasure_of
from contracts.events import Context, Event, Item, Properties
from contracts.topics import PARTITIONS

START: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""Event time of the first event: long ago, so that sessions close as soon as event time has passed them."""
TOLD_TWICE: Final = 0.05
BROKEN: Final = 0.002
ERASED: Final = 0.01
RECEIVED_AFTER: Final = timedelta(seconds=1)
WAITING: Final = 8
"""Events that are on their way at a time. The next to arrive is one of the first few, seconds late in event time: much less
than the gap, so that a late event changes no session but its own."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A record on its way to topic `events`. A broken one has no event, nor has an erasure."""

    partition: int
    key: bytes
    value: bytes
    event: Event | None
    erasure: Event | None = None


class Story:
    """The shoppers of one fault. The same name and number of visitors tell the same story."""

    def __init__(self, name: str, visitors: int) -> None:
        self.name = name
        self._chance = Random(name)
        self._count = 0
        self._now = START
        self._next: list[tuple[datetime, int, int]] = [
            (START + timedelta(seconds=self._chance.uniform(0, 4500)), number, self._chance.randint(3, 12))
            for number in range(visitors)
        ]
        heapq.heapify(self._next)

    def records(self) -> Iterator[Sent]:
        """Without end: events in nearly the order of event time."""
        chance = self._chance
        waiting: list[Event] = []
        while True:
            while len(waiting) < WAITING:
                waiting.append(self._happens())
            event = waiting.pop(chance.choice([0, 0, 0, 0, 1, 2, 3]))
            yield sent(event)
            if chance.random() < TOLD_TWICE:
                yield sent(event)
            if chance.random() < BROKEN:
                self._count += 1
                key = f"{self.name}-broken-{self._count}".encode()
                yield Sent(crc32(key) % PARTITIONS, key, b'{"broken": "%s"' % key, None)
            if chance.random() < ERASED:
                # After all that was sent of the visitor, and before some of what is on its way.
                erasure = erasure_of(event.visitor_id, self._now + RECEIVED_AFTER)
                yield Sent(crc32(key_of(event)) % PARTITIONS, key_of(event), ENCODER.encode(erasure), None, erasure)

    def last_words(self) -> list[Sent]:
        """One event a partition, hours after all others: event time has then passed every session but these."""
        at = self._now + timedelta(hours=3)
        words = []
        for partition in range(PARTITIONS):
            number = next(n for n in range(10_000) if crc32(f"{self.name}-last-{n}".encode()) % PARTITIONS == partition)
            visitor_id = f"{self.name}-last-{number}"
            words.append(sent(self._event(visitor_id, "page_view", at, Properties())))
        return words

    def _happens(self) -> Event:
        """The next event by event time; schedules the visitor's next one."""
        chance = self._chance
        at, number, left = heapq.heappop(self._next)
        self._now = at
        pause = chance.uniform(5, 120) if left else chance.uniform(2_400, 6_000)
        heapq.heappush(
            self._next, (at + timedelta(seconds=round(pause, 3)), number, left - 1 if left else chance.randint(3, 12))
        )
        name = chance.choices(
            [
                "page_view",
                "view_item",
                "add_to_cart",
                "remove_from_cart",
                "user_engagement",
                "begin_checkout",
                "purchase",
            ],
            [40, 25, 10, 2, 12, 5, 6],
        )[0]
        return self._event(f"{self.name}-v{number}", name, at, self._properties(name))

    def _event(self, visitor_id: str, name: str, at: datetime, properties: Properties) -> Event:
        self._count += 1
        chance = self._chance
        return Event(
            message_id=f"{self.name}-{self._count}",
            write_key=self.name,
            visitor_id=visitor_id,
            user_id=f"user of {visitor_id}" if chance.random() < 0.03 else None,
            event_name=name,
            occurred_at=at,
            received_at=at + RECEIVED_AFTER,
            properties=properties,
            context=Context(
                page_path=chance.choice(["/", "/tea", "/product/sencha", "/cart", "/checkout"]),
                device_type=chance.choice(["desktop", "mobile"]),
                country=chance.choice(["DE", "FR", None]),
            ),
        )

    def _properties(self, name: str) -> Properties:
        chance = self._chance
        item = Item(
            item_id=f"i{chance.randrange(50)}",
            price=chance.randrange(100, 9_999) / 100,
            quantity=float(chance.randint(1, 3)),
            item_category=chance.choice(["green", "black"]),
        )
        match name:
            case "view_item" | "add_to_cart" | "remove_from_cart":
                return Properties(currency="EUR", value=round((item.price or 0) * item.quantity, 2), items=(item,))
            case "purchase":
                # Few numbers, so that some orders are told by two events.
                order = f"o{chance.randrange(20)}" if chance.random() < 0.7 else None
                value = chance.randrange(100, 20_000) / 100
                return Properties(currency="EUR", value=value, items=(item,), transaction_id=order)
            case "user_engagement":
                return Properties(
                    engagement_time_msec=chance.uniform(100, 9_000), percent_scrolled=float(chance.randrange(101))
                )
        return Properties()


def sent(event: Event) -> Sent:
    """The record of an event, on its visitor's partition."""
    key = key_of(event)
    return Sent(crc32(key) % PARTITIONS, key, ENCODER.encode(event), event)


def key_of(event: Event) -> bytes:
    return event.visitor_id.encode()


class Erased:
    """Who was erased, and until which receipt."""

    def __init__(self, records: Iterable[Sent]) -> None:
        self.erasures = [each.erasure for each in records if each.erasure is not None]
        self._until: dict[str, datetime] = {}
        for each in self.erasures:
            self._until[each.visitor_id] = max(each.received_at, self._until.get(each.visitor_id, each.received_at))

    def covers(self, told: Event | Decision) -> bool:
        """Whether nothing of it may be left."""
        until = self._until.get(told.visitor_id)
        return until is not None and told.received_at <= until


def crowd(visitors: int) -> Iterator[Sent]:
    """One event each of many visitors: live sessions to be recovered, and nothing more."""
    for number in range(visitors):
        yield sent(
            Event(
                message_id=f"crowd-{number}",
                write_key="crowd",
                visitor_id=f"crowd-{number}",
                event_name="page_view",
                occurred_at=START,
                received_at=START,
                context=Context(page_path="/", device_type="mobile"),
            )
        )
