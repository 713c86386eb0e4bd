"""What shoppers do with an incentive, and what a broken tag does with an event."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final, Literal

from contracts import event_names
from contracts.decisions import Incentive, IncentiveType
from producers.shoppers.archetypes import ArchetypeName
from producers.shoppers.visit import Act, Item

Reaction = Literal["accepted", "dismissed", "ignored"]

ACCEPTED: Final[dict[IncentiveType, float]] = {
    "discount": 0.34,
    "free_shipping": 0.30,
    "loyalty_points": 0.20,
    "simplified_checkout": 0.28,
    "urgency": 0.16,
    "tutorial": 0.16,
}
DISMISSED: Final = 0.35
FAVOURITES: Final[dict[ArchetypeName, tuple[IncentiveType, ...]]] = {
    "researcher": ("tutorial", "free_shipping"),
    "hurried buyer": ("simplified_checkout", "urgency"),
    "bargain hunter": ("discount", "free_shipping"),
    "loyal VIP": ("loyalty_points",),
}
CONVINCED: Final = 0.45
"""Of those who accept, who go on to buy."""


def reaction_to(incentive: Incentive, archetype: ArchetypeName, random: Random) -> Reaction:
    """Accepted more often by those who like its kind."""
    accepted = ACCEPTED[incentive.type]
    if incentive.type in FAVOURITES.get(archetype, ()):
        accepted *= 1.6
    luck = random.random()
    if luck < accepted:
        return "accepted"
    return "dismissed" if luck < accepted + DISMISSED else "ignored"


def incentive_act(event: str, incentive: Incentive, context: Mapping[str, Any], *, after_s: float) -> Act:
    """`incentive_shown`, `incentive_accepted` or `incentive_dismissed`, as the page sends it."""
    return Act(after_s, "track", event, {"incentive_id": incentive.incentive_id}, context)


def broken(item: Item, message_id: str, random: Random) -> Item:
    """A copy of the item with an id of its own that no ingest may accept."""
    bad = {**item, "messageId": message_id, "type": "track", "event": item.get("event", event_names.PAGE_VIEW)}
    match random.randrange(4):
        case 0:
            del bad["event"]
        case 1:
            bad |= {"event": event_names.ADD_TO_CART, "properties": {"currency": "EUR", "value": "twelve"}}
        case 2:
            bad |= {"event": event_names.ADD_TO_CART, "properties": {"items": "one teapot"}}
        case _:
            del bad["anonymousId"]
            bad.pop("userId", None)
    return bad
