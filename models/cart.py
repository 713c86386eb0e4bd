"""The cart as a set of acts: whatever order they arrive in, the same acts give the same cart."""

from bisect import insort
from datetime import datetime
from typing import Final, Literal
from zlib import crc32

from contracts import event_names
from contracts.events import Event, Item

CartKind = Literal["add", "remove", "empty"]
CartAct = tuple[datetime, str, int, CartKind, int, int, int]
"""occurred_at, message id, line number in the event, kind, item key, quantity, unit price in cents."""

MAX_ACTS: Final = 512
"""Acts remembered of one session; a cart with more is a script's, and its oldest acts are forgotten."""
MAX_QUANTITY: Final = 10_000
MAX_CENTS: Final = 10**12

UNNAMED: Final = crc32(b"")

KINDS: Final[dict[str, CartKind]] = {
    event_names.ADD_TO_CART: "add",
    event_names.REMOVE_FROM_CART: "remove",
    event_names.PURCHASE: "empty",
}


def cents(amount: float | None) -> int:
    """Whole cents of a money amount, half to even; what is missing or absurd is clamped to 0 … 10^12."""
    if amount is None:
        return 0
    return round(max(0.0, min(float(MAX_CENTS), amount * 100)))


def item_key(item: Item) -> int:
    """A small number that stands for the product; collisions within one session are rarer than one in 30,000."""
    return crc32((item.item_id or item.item_name or "").encode("utf-8", "replace"))


def acts_of(event: Event) -> list[CartAct]:
    """What the event does to the cart: one act an item, or one for its whole `value` when it names no items."""
    kind = KINDS[event.event_name]
    at, message_id, properties = event.occurred_at, event.message_id, event.properties
    if kind == "empty":
        return [(at, message_id, 0, kind, UNNAMED, 0, 0)]
    if not properties.items:
        return [(at, message_id, 0, kind, UNNAMED, 1, cents(properties.value))]
    acts: list[CartAct] = []
    for line, item in enumerate(properties.items):
        quantity = max(0, min(MAX_QUANTITY, round(item.quantity)))
        price = item.price
        if price is None and properties.value is not None and len(properties.items) == 1:
            price = properties.value / max(1, quantity)
        acts.append((at, message_id, line, kind, item_key(item), quantity, cents(price)))
    return acts


def insert(acts: list[CartAct], new: list[CartAct]) -> None:
    """Put acts in event-time order into an ordered list."""
    for act in new:
        insort(acts, act)
    del acts[:-MAX_ACTS]


def contents(acts: list[CartAct]) -> tuple[int, int]:
    """Value in cents and number of items of the cart after all acts, in event-time order.

    A purchase empties the cart; taking out more than is in leaves none; the newest price of a product counts.
    """
    quantities: dict[int, int] = {}
    prices: dict[int, int] = {}
    unnamed = 0  # cents of lines that name no product
    for _, _, _, kind, key, quantity, price in acts:
        if kind == "empty":
            quantities.clear()
            unnamed = 0
        elif key == UNNAMED:
            unnamed = unnamed + quantity * price if kind == "add" else max(0, unnamed - quantity * price)
        else:
            held = quantities.get(key, 0)
            quantities[key] = held + quantity if kind == "add" else max(0, held - quantity)
            if price or key not in prices:
                prices[key] = price
    value = sum(held * prices[key] for key, held in quantities.items())
    return value + unnamed, sum(quantities.values()) + (1 if unnamed else 0)
