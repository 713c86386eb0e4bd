"""Bots among the simulated shoppers: crawlers that say what they are, and scrapers that pass for a browser."""

from datetime import datetime
from random import Random
from typing import Any, Final

from contracts import event_names
from contracts.ids import derived_id, visitor_id_of
from producers.shoppers import catalogue
from producers.shoppers.arrivals import BROWSERS, PLACES
from producers.shoppers.visit import Act, Visit
from producers.shoppers.walk import LIBRARY

CRAWLER: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CRAWLED_PAGES: Final = range(3, 9)
SCRAPED_PAGES: Final = range(16, 28)
SCRAPER_PAUSE_S: Final = 4.0
"""Always the same: that is what gives it away."""


def is_bots_turn(number: int, *, seed: int, share: float) -> bool:
    """Whether the visit of that number is a bot's."""
    return Random(f"{seed}/is-bot/{number}").random() < share


def bot_visit(number: int, *, seed: int, started_at: datetime) -> Visit:
    """One bot's visit: product pages one after the other, and never a sign of use. Half of them say what they are."""
    random = Random(f"{seed}/bot/{number}")
    secret = derived_id("bot", str(seed), str(number)) + derived_id("bot secret", str(seed), str(number))
    is_honest = random.random() < 0.5
    pages = random.choice(CRAWLED_PAGES if is_honest else SCRAPED_PAGES)
    browser = {
        "userAgent": CRAWLER if is_honest else random.choice(BROWSERS["desktop"]).user_agent,
        "locale": PLACES[0][0],
        "library": LIBRARY,
    }
    acts: list[Act] = []
    for _ in range(pages):
        product = random.choice(catalogue.PRODUCTS)
        path = f"/products/{product.item_id}"
        page = {"path": path, "url": f"{catalogue.SHOP_URL}{path}", "title": f"{product.name} · Moss & Kiln"}
        context: dict[str, Any] = {**browser, "page": page}
        pause_s = random.uniform(1, 20) if is_honest else SCRAPER_PAUSE_S
        viewed = {"currency": catalogue.CURRENCY, "value": product.price, "items": [product.item()]}
        acts.append(Act(round(pause_s, 3) if acts else 0.0, "page", event_names.PAGE_VIEW, {}, context))
        acts.append(Act(0.0, "track", event_names.VIEW_ITEM, viewed, context))
    return Visit(
        number=number,
        visitor_secret=secret,
        visitor_id=visitor_id_of(secret),
        user_id=None,
        archetype="bot",
        started_at=started_at,
        acts=tuple(acts),
    )
