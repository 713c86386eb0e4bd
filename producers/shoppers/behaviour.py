"""Seeded visits: how likely each kind of shopper is to look, to want and to buy, and with how much luck."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from contracts import event_names
from contracts.ids import derived_id, visitor_id_of
from producers.shoppers import catalogue
from producers.shoppers.archetypes import ARCHETYPES, Archetype
from producers.shoppers.arrivals import BROWSERS, LINKS, PLACES, Browser, Link, drawn
from producers.shoppers.catalogue import Product
from producers.shoppers.visit import Act, Visit
from producers.shoppers.walk import Walk

__all__ = ["Act", "Visit", "persuaded", "visit", "visits"]

CHANNEL_INTENT: Final = {"direct": 0.2, "email": 0.3, "search": 0.1, "paid": -0.1, "referral": 0.0, "social": -0.4}
DEVICE_INTENT: Final = {"desktop": 0.15, "tablet": 0.0, "mobile": -0.1}
HOURS: Final = (2, 1, 1, 1, 1, 2, 4, 6, 7, 8, 8, 8, 9, 8, 7, 7, 8, 9, 11, 13, 14, 13, 9, 5)
"""Share of visits that begin in each UTC hour."""
SHORTEST_ABSENCE: Final = timedelta(hours=2)
LONGEST_VISIT_S: Final = 20 * 60


@dataclass(frozen=True, slots=True)
class Shopper:
    """A person: the same kind, browser and secret at every visit."""

    secret: str
    archetype: Archetype
    device: str
    browser: Browser
    place: tuple[str, str]
    user_id: str | None
    purchase_count: int = 0
    """Earlier purchases: who has bought before buys more easily."""


def visits(count: int, *, seed: int, start: datetime, days: float) -> Iterator[Visit]:
    """`count` visits that begin within `days` days of `start`, in order of their beginning; many visitors come back.

    About 40 % are bounces and about 5 % end with a purchase. The same arguments give the same visits.
    """
    plan = _plan(count, seed=seed, start=start, days=days)
    shoppers: dict[int, Shopper] = {}
    for number, (started_at, person) in enumerate(plan):
        shopper = shoppers.get(person) or shopper_of(seed, person)
        planned = visit(number, shopper, seed=seed, started_at=started_at)
        shoppers[person] = replace(shopper, purchase_count=shopper.purchase_count + planned.has_purchase)
        yield planned


def shopper_of(seed: int, person: int) -> Shopper:
    """The person of that number."""
    random = Random(f"{seed}/shopper/{person}")
    archetype = random.choices(ARCHETYPES, [each.share for each in ARCHETYPES])[0]
    secret = derived_id("shopper", str(seed), str(person)) + derived_id("secret", str(seed), str(person))
    device = drawn(random, archetype.devices)
    return Shopper(
        secret=secret,
        archetype=archetype,
        device=device,
        browser=random.choice(BROWSERS[device]),
        place=random.choice(PLACES),
        user_id=f"user-{derived_id(secret)[:12]}" if random.random() < archetype.is_known else None,
    )


def visit(number: int, shopper: Shopper, *, seed: int, started_at: datetime) -> Visit:
    """One visit of a shopper, from the landing page to the last."""
    random = Random(f"{seed}/visit/{number}")
    channel = drawn(random, shopper.archetype.channels)
    acts = _walked(random, shopper, channel, f"MK-{derived_id(shopper.secret, str(number))[:10].upper()}")
    return Visit(
        number=number,
        visitor_secret=shopper.secret,
        visitor_id=visitor_id_of(shopper.secret),
        user_id=shopper.user_id,
        archetype=shopper.archetype.name,
        started_at=started_at,
        acts=acts,
    )


def persuaded(visit: Visit, done: int, *, seed: int, coupon: str | None = None) -> tuple[Act, ...]:
    """What the visitor does after `done` acts when an incentive wins them over: straight to a purchase.

    Empty when there is nothing to buy yet, or the purchase has already happened.
    """
    past = visit.acts[:done]
    cart, seen = _cart_after(past)
    if not (cart or seen) or any(act.event == event_names.PURCHASE for act in past):
        return ()
    random = Random(f"{seed}/persuaded/{visit.number}")
    walk = Walk(random, browser=BROWSERS["desktop"][0], link=Link(), place=PLACES[0], dwell_s=10, cart=cart)
    walk.resume(past[-1])
    if not cart and seen:
        walk.add_to_cart(catalogue.BY_ID[seen])
    walk.coupon = coupon
    _check_out(walk, f"MK-{derived_id(visit.visitor_secret, str(visit.number), 'persuaded')[:10].upper()}", 1.0)
    return tuple(walk.acts)


def _plan(count: int, *, seed: int, start: datetime, days: float) -> list[tuple[datetime, int]]:
    """When each visit begins and whose it is, in order of time."""
    random = Random(f"{seed}/plan")
    window = timedelta(days=days)
    plan: list[tuple[datetime, int]] = []
    person = 0
    while len(plan) < count:
        archetype = shopper_of(seed, person).archetype
        begins = start + _moment(random, days)
        while len(plan) < count and begins < start + window:
            plan.append((begins, person))
            if random.random() >= archetype.comes_back:
                break
            begins += SHORTEST_ABSENCE + timedelta(days=random.lognormvariate(0.3, 1.0))
        person += 1
    return sorted(plan)


def _moment(random: Random, days: float) -> timedelta:
    """An instant of the window, more often in the evening; windows shorter than a day have no hours to prefer."""
    if days < 1:
        return timedelta(days=random.random() * days)
    hour = random.choices(range(24), HOURS)[0]
    return timedelta(days=random.randrange(int(days)), hours=hour, seconds=random.random() * 3600)


def _walked(random: Random, shopper: Shopper, channel: str, transaction_id: str) -> tuple[Act, ...]:
    kind = shopper.archetype
    # The intent shows in everything the visitor does; nothing the visitor does shows it exactly.
    intent = random.gauss(0.0, 1.0) + CHANNEL_INTENT[channel] + DEVICE_INTENT[shopper.device]
    intent += 0.45 * min(shopper.purchase_count, 3)
    walk = Walk(
        random,
        browser=shopper.browser,
        link=random.choice(LINKS[channel]),
        place=shopper.place,
        dwell_s=kind.dwell_s * math.exp(0.2 * intent),
        keenness=math.exp(0.35 * intent),
    )
    liked = random.choice(catalogue.CATEGORIES)
    product = _chosen(random, kind, liked)
    if channel in ("search", "paid", "referral") and random.random() < 0.55:
        walk.product_page(product)
    else:
        walk.list_page(liked if random.random() < 0.3 else None)
    if shopper.user_id:
        walk.identify(shopper.user_id)
    if random.random() < _chance(_log_odds(kind.bounce) - 0.6 * intent):
        walk.leave()
        return tuple(walk.acts)
    _look_around(walk, kind, intent, liked)
    if walk.cart and random.random() < 0.75:
        walk.cart_page()
        if len(walk.cart) > 1 and random.random() < 0.25:
            walk.remove_from_cart(random.choice(tuple(walk.cart)))
    if walk.cart and random.random() < kind.coupon:
        walk.apply_coupon()
    if walk.cart and random.random() < _chance(kind.checkout_logit + 0.9 * intent + random.gauss(0.0, 0.5)):
        _check_out(walk, transaction_id, _chance(kind.finish_logit + 0.7 * intent + random.gauss(0.0, 0.5)))
    else:
        walk.leave()
    return tuple(walk.acts)


def _look_around(walk: Walk, kind: Archetype, intent: float, liked: str) -> None:
    random = walk.random
    pages = max(1, round(kind.depth * math.exp(0.25 * intent) * random.lognormvariate(-0.15, 0.5)))
    seen: list[Product] = []
    for _ in range(pages):
        if sum(act.after_s for act in walk.acts) > LONGEST_VISIT_S / 2:
            return
        if random.random() > kind.focus:
            liked = random.choice(catalogue.CATEGORIES)
        if random.random() >= kind.product_share:
            wants_search = random.random() < kind.search_share
            walk.list_page(liked, random.choice(catalogue.SEARCHES[liked]) if wants_search else None)
            continue
        comes_again = seen and random.random() < 0.2
        product = random.choice(seen) if comes_again else _chosen(random, kind, liked)
        seen.append(product)
        walk.product_page(product)
        longing = kind.cart_logit + 1.05 * intent + (0.6 if comes_again else 0.0) - 0.9 * len(walk.cart)
        if random.random() < _chance(longing + random.gauss(0.0, 0.5)):
            walk.add_to_cart(product, 2 if random.random() < 0.12 else 1)
        elif random.random() < 0.03:
            walk.add_to_wishlist(product)


def _check_out(walk: Walk, transaction_id: str, perseverance: float) -> None:
    """The checkout's steps; at each the visitor goes on with probability `perseverance`."""
    random = walk.random
    walk.checkout_page("shipping")
    if random.random() < perseverance:
        walk.give_shipping()
        walk.checkout_page("payment")
        if random.random() < perseverance:
            walk.give_payment()
            walk.purchase(transaction_id)
    walk.leave()


def _chosen(random: Random, kind: Archetype, category: str) -> Product:
    """A product of the category, by the shopper's taste in prices."""
    choice = [product for product in catalogue.PRODUCTS if product.category == category]
    dearest = max(product.price for product in choice)
    return random.choices(choice, [math.exp(1.5 * kind.price_taste * product.price / dearest) for product in choice])[0]


def _cart_after(acts: Sequence[Act]) -> tuple[dict[str, int], str | None]:
    """What is in the cart after the acts, and the product looked at last."""
    cart: dict[str, int] = {}
    seen: str | None = None
    for act in acts:
        match act.event, act.properties.get("items"):
            case event_names.VIEW_ITEM, [item]:
                seen = str(item["item_id"])
            case event_names.ADD_TO_CART, [item]:
                cart[item["item_id"]] = cart.get(item["item_id"], 0) + item["quantity"]
            case event_names.REMOVE_FROM_CART, [item]:
                cart.pop(item["item_id"], None)
            case event_names.PURCHASE, _:
                cart.clear()
    return cart, seen


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))
