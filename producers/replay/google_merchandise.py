"""Google Merchandise Store (Google Analytics 360 sample) as CSV: one row of a hits file is one event.

Beside `ga360_hits_PERIOD.csv.gz` lie `ga360_sessions_PERIOD…` (who, when, from where), `ga360_hit_products_PERIOD…` and
`ga360_products….csv.gz` (optional: what was in the hit, and the catalogue, which may also lie one folder up, for periods in folders of
their own); other words than `ga360` and the period's will do. Of the sessions only what is known when a visit starts is sent; its totals (hits, revenue, …) and a hit's `is_exit` are outcomes and stay in
the file.

How a hit becomes an event:
- `action` decides: 1 select_item, 2 view_item, 3 add_to_cart, 4 remove_from_cart, 6 purchase. 5 is a page of the checkout: step 1
  (`/yourinfo`) begin_checkout, 2 (`/payment`, shipping is known) add_shipping_info, 3 (`/revieworder`, payment is known) add_payment_info.
- Without an action a page view is a page_view, or a search when it has a `search_keyword`; a click is named by `event_action`.
- A page view with an action is that event with `is_page_view`.
- `price_usd` on a checkout hit is the whole line: it is divided by the quantity. A quantity above 10,000 is a slip of the hand
  and is sent as 10,000.
- A purchase page that fires twice is two events with one `transaction_id`; what counts purchases sees one. Only the first has
  the order's revenue; the second, and an order whose revenue the export has not, is sent with value 0.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from pathlib import Path
from typing import Any, Final

from contracts import event_names
from contracts.ids import derived_id
from producers.replay.google_files import Export, Row, Visit, load, periods
from producers.replay.items import Recording, ReplayError, ReplayItem, item, number, told

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_QUANTITY: Final = 10_000

ACTIONS: Final = {
    "1": event_names.SELECT_ITEM,
    "2": event_names.VIEW_ITEM,
    "3": event_names.ADD_TO_CART,
    "4": event_names.REMOVE_FROM_CART,
    "5": event_names.BEGIN_CHECKOUT,
    "6": event_names.PURCHASE,
}
CHECKOUT_STEPS: Final = {"2": event_names.ADD_SHIPPING_INFO, "3": event_names.ADD_PAYMENT_INFO}
CLICKS: Final = {
    "Quickview Click": event_names.SELECT_ITEM,
    "Product Click": event_names.SELECT_ITEM,
    "Promotion Click": event_names.SELECT_PROMOTION,
    "Add to Cart": event_names.ADD_TO_CART,
    "Remove from Cart": event_names.REMOVE_FROM_CART,
    "Onsite Click": event_names.CLICK,
}
UNNAMED_INTERACTION: Final = "unnamed_interaction"
"""A Google Analytics event whose action the export leaves empty."""
MEDIA: Final = {
    "Organic Search": "organic",
    "Referral": "referral",
    "Social": "social",
    "Paid Search": "cpc",
    "Display": "cpm",
    "Affiliates": "affiliate",
}
"""What an empty `medium` must have been, by `channel`."""


def recording(path: Path, day: date | None = None, *, choice: Callable[[str], bool] | None = None) -> Recording:
    """The events of a hits file, or of all in a folder; `day` is a day of the shop's own calendar (`sessions.date`).

    `choice` says by a visitor's id whose events are wanted; all when left out.

    Hits of a visit that the sessions file has not are skipped: they have no time and no visitor.
    """
    chosen = (lambda visitor: choice(f"ga-{visitor}")) if choice else None
    exports = [load(period, day, chosen) for period in periods(path)]
    row_count = sum(len(export.hits) for export in exports)
    if day is not None and row_count == 0:
        raise ReplayError(f"{path} has no visit on {day}; leave --day away, or give a day that the file covers")
    items = merge(*(_items(export) for export in exports), key=lambda each: each.occurred_at or EPOCH)
    return Recording(row_count, items, sum(export.skipped_count for export in exports))


def event_name_of(hit: Row) -> str:
    """GA4's name for a hit."""
    action, step = hit["action"], hit.get("step", "")
    if action == "5" and step in CHECKOUT_STEPS:
        return CHECKOUT_STEPS[step]
    if action in ACTIONS:
        return ACTIONS[action]
    if hit["type"] == "P":
        return event_names.SEARCH if hit.get("search_keyword") else event_names.PAGE_VIEW
    click = hit.get("event_action", "")
    return CLICKS.get(click, click or UNNAMED_INTERACTION)


def item_of(visit: Visit, catalogue: Mapping[str, Row]) -> ReplayItem:
    """The event a hit tells.

    Its id is made of all the hit's values and of whose visit it is, as each file numbers its visits anew.
    """
    hit, session = visit.hit, visit.session
    name = event_name_of(hit)
    occurred_at = EPOCH + timedelta(milliseconds=visit.at_ms)
    lines = [_line(product, hit["action"], catalogue.get(product["sku"], {})) for product in visit.products]
    value: float | str | None = _total(lines)
    if name == event_names.PURCHASE:
        value = number(hit.get("transaction_revenue_usd", "")) or 0.0
    properties: dict[str, Any] = {
        "currency": "USD" if value is not None else None,
        "value": value,
        "transaction_id": hit.get("transaction_id") or None,
        "items": lines or None,
        "search_term": hit.get("search_keyword") or None,
        "is_page_view": True if hit["type"] == "P" and name != event_names.PAGE_VIEW else None,
        "event_action": hit.get("event_action") or None,
        "event_label": hit.get("event_label") or None,
        "n_impressions": number(hit.get("n_impressions", "")),
        "impression_mean_price_usd": number(hit.get("impression_mean_price_usd", "")),
        "ga_session": hit["session"],
        "ga_hit": number(hit["hit"]),
        "ga_session_number": number(session.get("visit_number", "")),
        "channel": session.get("channel") or None,
        "browser": session.get("browser") or None,
    }
    return item(
        name,
        message_id=derived_id(
            "google-merchandise",
            session["visitor"],
            session["start_ts"],
            *(hit[column] for column in sorted(hit)),
        ),
        visitor_id=f"ga-{session['visitor']}",
        timestamp=occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        occurred_at=occurred_at,
        properties=properties,
        context=_context(hit, session),
    )


def _line(product: Row, action: str, known: Row) -> dict[str, Any]:
    """One item: its unit price, and how many when the hit says so."""
    price, quantity = number(product.get("price_usd", "")), number(product.get("qty", ""))
    if action == "5" and isinstance(price, float) and isinstance(quantity, float) and quantity > 0:
        price = round(price / quantity, 4)
    if isinstance(quantity, float):
        quantity = min(quantity, MAX_QUANTITY)
    return told(
        {
            "item_id": product["sku"],
            "item_name": known.get("name") or None,
            "item_category": known.get("category") or None,
            "price": price,
            "quantity": quantity,
        }
    )


def _total(lines: list[dict[str, Any]]) -> float | None:
    """Price times quantity of all lines that have a price."""
    amounts = [float(line["price"] * line.get("quantity", 1)) for line in lines if isinstance(line.get("price"), float)]
    return round(sum(amounts), 2) if amounts else None


def _context(hit: Row, session: Row) -> dict[str, Any]:
    page_path, _, query = hit["page_path"].partition("?")
    source, medium = session.get("source", ""), session.get("medium", "")
    medium = medium or MEDIA.get(session.get("channel", ""), "")
    referrer = None
    if hit["hit"] == "1" and medium == "referral" and "." in source:
        referrer = f"https://{source}{session.get('referral_path') or '/'}"
    campaign = {"source": source or None, "medium": medium or None, "name": session.get("campaign") or None}
    return {
        "page": told({"path": page_path, "search": f"?{query}" if query else None, "referrer": referrer}),
        "campaign": {} if source == "(direct)" and not medium else told(campaign),
        "device": told({"type": session.get("device") or None}),
        "os": told({"name": session.get("os") or None}),
        "location": told({"country": session.get("country") or None}),
    }


def _items(export: Export) -> Iterator[ReplayItem]:
    return (item_of(visit, export.catalogue) for visit in export.visits())
