"""A visit as a list of acts, and the acts as the Segment items that the browser snippet would send."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from contracts import event_names
from producers.shoppers.archetypes import ArchetypeName

Item = dict[str, Any]
"""One entry of a Segment batch."""


@dataclass(frozen=True, slots=True)
class Act:
    """One event a shopper causes, `after_s` seconds after the act before."""

    after_s: float
    type: Literal["page", "track", "identify"]
    event: str
    """GA4's name."""
    properties: Mapping[str, Any]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Visit:
    """One visitor's run of acts with no pause longer than ten minutes.

    `visitor_secret` is what the snippet would keep in the browser: `visitor_id` is derived from it.
    """

    number: int
    """Place among the visits of one generator; part of every message id."""
    visitor_secret: str
    visitor_id: str
    user_id: str | None
    archetype: ArchetypeName
    started_at: datetime
    acts: tuple[Act, ...]

    @property
    def has_purchase(self) -> bool:
        return any(act.event == event_names.PURCHASE for act in self.acts)

    @property
    def duration_s(self) -> float:
        return sum(act.after_s for act in self.acts)

    def item(self, act: Act, message_id: str, occurred_at: datetime) -> Item:
        """The act as one Segment batch item."""
        item: Item = {
            "type": act.type,
            "anonymousId": self.visitor_id,
            "messageId": message_id,
            "timestamp": instant(occurred_at),
            "traits" if act.type == "identify" else "properties": act.properties,
            "context": act.context,
        }
        if act.type == "track":
            item["event"] = act.event
        if self.user_id is not None:
            item["userId"] = self.user_id
        return item

    def items(self, started_at: datetime | None = None, *, run: str = "sim") -> Iterator[Item]:
        """Every act as a batch item, in order; the message ids are `{run}-{number}-{act}`."""
        occurred_at = started_at or self.started_at
        for index, act in enumerate(self.acts):
            occurred_at += timedelta(seconds=act.after_s)
            yield self.item(act, f"{run}-{self.number}-{index}", occurred_at)

    def payload(self, *, write_key: str = "demo", run: str = "sim", started_at: datetime | None = None) -> Item:
        """The whole visit as one body for `POST /v1/batch`, sent as its last act happens."""
        batch = list(self.items(started_at, run=run))
        return body(batch, write_key=write_key, sent_at=batch[-1]["timestamp"])


def body(batch: Sequence[Item], *, write_key: str, sent_at: str) -> Item:
    """A body for `POST /v1/batch`, as the snippet sends it: the write key inside, for a plain-text beacon."""
    return {"batch": list(batch), "writeKey": write_key, "sentAt": sent_at}


def instant(at: datetime) -> str:
    """An aware datetime the way browsers write it: `2026-03-02T12:00:00.000Z`."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
