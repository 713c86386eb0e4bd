"""What a shopper is likely to want next: the likenesses of items and the shopper's own acts in, items with their reasons out. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from contracts import event_names
from models.likeness import Likeness

LATEST: Final = 5
"""Items of the shopper's own that speak for others."""
OLDER: Final = 0.4
"""How much an own item says beside the one touched after it."""
KNOWN_FOR: Final = timedelta(days=1)
"""What was touched so lately the shopper knows, and knows the way back to. Not for ever: people come back to what they wanted, and buy again."""
TOUCHING: Final = (event_names.VIEW_ITEM, event_names.ADD_TO_CART, event_names.PURCHASE)

Basis = Literal["items", "popular", "none"]


class Act(NamedTuple):
    """What the shopper did to an item: one of `TOUCHING`, or `remove_from_cart`."""

    item_id: str
    event_name: str
    occurred_at: datetime
    quantity: float = 1.0


class Recommended(NamedTuple):
    """An item, and the shopper's own item that speaks for it most; None when it is only popular. `score` is from 0 to 1."""

    item_id: str
    score: float
    because: str | None


@dataclass(frozen=True, slots=True)
class Shopper:
    """What is known of one shopper at one moment."""

    latest: tuple[str, ...]
    """Items touched, the latest first."""
    left_out: frozenset[str]
    """Items that are no news: touched within `KNOWN_FOR`, or in the cart since whenever."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    basis: Basis
    items: tuple[Recommended, ...] = ()


def shopper_of(acts: Iterable[Act], now: datetime, page_item_id: str | None = None) -> Shopper:
    """What the acts tell, in whatever order they come. `page_item_id` is the item on the page, whose view may not be stored yet."""
    touched: dict[str, None] = {}
    cart: defaultdict[str, float] = defaultdict(float)
    known: set[str] = set()
    for item_id, event_name, occurred_at, quantity in sorted(
        acts, key=lambda act: (act.occurred_at, act.event_name, act.item_id, act.quantity)
    ):
        if event_name in TOUCHING:
            touched.pop(item_id, None)
            touched[item_id] = None
        if event_name == event_names.ADD_TO_CART:
            cart[item_id] += quantity
        elif event_name == event_names.REMOVE_FROM_CART:
            cart[item_id] = max(0.0, cart[item_id] - quantity)
        elif event_name == event_names.PURCHASE:
            cart.pop(item_id, None)
        if now - occurred_at <= KNOWN_FOR:
            known.add(item_id)
    if page_item_id is not None:
        touched.pop(page_item_id, None)
        touched[page_item_id] = None
        known.add(page_item_id)
    return Shopper(
        tuple(reversed(touched)), frozenset(known | {item_id for item_id, quantity in cart.items() if quantity > 0})
    )


def recommendation(likeness: Likeness, shopper: Shopper, limit: int) -> Recommendation:
    """At most `limit` items, the likeliest first: those that go with the shopper's own, or else those that many touched of late."""
    basis: Basis = "items"
    found = _by_own_items(likeness, shopper)
    if not found:
        basis, found = "popular", _by_popularity(likeness, shopper.left_out)
    found.sort(key=lambda each: (-each.score, each.item_id))
    return Recommendation(basis, tuple(found[:limit])) if found else Recommendation("none")


def _by_own_items(likeness: Likeness, shopper: Shopper) -> list[Recommended]:
    # Items that nobody knows enough of must not take the place of those that can speak.
    own = [item_id for item_id in shopper.latest if item_id in likeness][:LATEST]
    scores: dict[str, float] = {}
    reasons: dict[str, tuple[float, str]] = {}
    for place, own_id in enumerate(own):
        for item_id, like in likeness.neighbours_of(own_id):
            if item_id in shopper.left_out:
                continue
            said = OLDER**place * like
            scores[item_id] = scores.get(item_id, 0.0) + said
            if item_id not in reasons or said > reasons[item_id][0]:
                reasons[item_id] = said, own_id
    most = sum(OLDER**place for place in range(len(own)))
    return [Recommended(item_id, score / most, reasons[item_id][1]) for item_id, score in scores.items()]


def _by_popularity(likeness: Likeness, left_out: Collection[str]) -> list[Recommended]:
    return [Recommended(item_id, share, None) for item_id, share in likeness.popular if item_id not in left_out]
