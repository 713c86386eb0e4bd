"""What is kept of a visitor's sessions that no late event can change any more: sums, when they were, and what was bought."""

from datetime import datetime
from itertools import pairwise
from typing import Final

import msgspec

from contracts import event_names as names
from contracts.events import Event
from models.session import CHECKOUT, Session, conversion_id

MAX_BOUGHT: Final = 64
"""Conversion ids remembered of a visitor's history, those of the newest sessions first to stay."""
MAX_SPANS: Final = 64
"""Spans of time remembered of a visitor's history; of more, the two nearest become one."""


class Span(msgspec.Struct, array_like=True, frozen=True):
    """A session of the history, or some near ones together: when it was, and what it adds to the sums.

    The sums are 0 in states of before they were kept.
    """

    started_at: datetime
    ended_at: datetime
    session_count: int = 0
    purchase_count: int = 0
    revenue_cents: int = 0
    event_count: int = 0
    add_to_cart_count: int = 0
    checkout_step_count: int = 0

    def joined(self, other: "Span") -> "Span":
        mine, others = msgspec.structs.astuple(self)[2:], msgspec.structs.astuple(other)[2:]
        return Span(
            min(self.started_at, other.started_at),
            max(self.ended_at, other.ended_at),
            *(a + b for a, b in zip(mine, others, strict=True)),
        )


class History(msgspec.Struct, array_like=True):
    """What is kept of a visitor's sessions that no late event can change any more."""

    session_count: int = 0
    purchase_count: int = 0
    revenue_cents: int = 0
    last_seen_at: datetime | None = None
    event_count: int = 0
    add_to_cart_count: int = 0
    checkout_step_count: int = 0
    bought: list[str] = []
    """Conversion ids of the newest purchases."""
    spans: list[Span] = []
    """In the order of their beginnings."""
    bought_forgotten_until: datetime | None = None
    """Set once there were more purchases than ids are kept of: one that falls into the history until then counts as told."""

    def remember(self, session: Session) -> None:
        new = self.new_purchases(session)
        span = Span(
            session.first[0],
            session.last[0],
            1,
            len(new),
            sum(new.values()),
            session.event_count,
            session.counts.get(names.ADD_TO_CART, 0),
            sum(session.counts.get(name, 0) for name in CHECKOUT),
        )
        self._count(span, 1)
        if new:
            bought = [*self.bought, *sorted(new)]
            if len(bought) > MAX_BOUGHT:
                self.bought_forgotten_until = _newer(self.bought_forgotten_until, span.ended_at)
            self.bought = bought[-MAX_BOUGHT:]
        spans = sorted([*self.spans, span], key=lambda each: each.started_at)
        if len(spans) > MAX_SPANS:
            # The nearest: a pause of years between two logs stays open for what is imported later.
            pauses = [later.started_at - earlier.ended_at for earlier, later in pairwise(spans)]
            place = pauses.index(min(pauses))
            spans[place : place + 2] = [spans[place].joined(spans[place + 1])]
        self.spans = spans
        self.last_seen_at = _newer(self.last_seen_at, span.ended_at)

    def before(self, moment: datetime) -> "History":
        """The part that had ended by then. An older log that is imported after a newer one has the newer sessions as its future."""
        if self.last_seen_at is None or self.last_seen_at < moment:
            return self
        history, ended = self.copy(), [span for span in self.spans if span.ended_at < moment]
        for span in self.spans:
            if span.ended_at >= moment:
                history._count(span, -1)
        history.last_seen_at = max((span.ended_at for span in ended), default=None)
        return history

    def has(self, event: Event) -> bool:
        """Whether one of these sessions was going on: the event was counted in it, or comes too late. Not so a purchase that is new."""
        at = event.occurred_at
        if not any(span.started_at <= at <= span.ended_at for span in self.spans):
            return False
        if event.event_name != names.PURCHASE or conversion_id(event) in self.bought:
            return True
        return self.bought_forgotten_until is not None and at <= self.bought_forgotten_until

    def _count(self, span: Span, times: int) -> None:
        self.session_count += times * span.session_count
        self.purchase_count += times * span.purchase_count
        self.revenue_cents += times * span.revenue_cents
        self.event_count += times * span.event_count
        self.add_to_cart_count += times * span.add_to_cart_count
        self.checkout_step_count += times * span.checkout_step_count

    def new_purchases(self, session: Session) -> dict[str, int]:
        """Cents by conversion id of what was bought in the session after this history.

        A page of thanks that is opened once more, days later, tells an old purchase again.
        """
        return {each: amount for each, amount in session.purchases.items() if each not in self.bought}

    def copy(self) -> "History":
        return History(
            self.session_count,
            self.purchase_count,
            self.revenue_cents,
            self.last_seen_at,
            self.event_count,
            self.add_to_cart_count,
            self.checkout_step_count,
            self.bought,
            self.spans,
            self.bought_forgotten_until,
        )


def _newer(known: datetime | None, moment: datetime) -> datetime:
    return moment if known is None else max(known, moment)
