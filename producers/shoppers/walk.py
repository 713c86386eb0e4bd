"""Walking through the shop: each step adds the events that the shop's pages would send."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final, Literal
from urllib.parse import quote_plus

from contracts import event_names
from contracts.ids import derived_id
from producers.shoppers import catalogue
from producers.shoppers.arrivals import Browser, Link
from producers.shoppers.catalogue import Product
from producers.shoppers.clicks import clicks_on
from producers.shoppers.visit import Act

LIBRARY: Final = {"name": "shopstream.js", "version": "0.1.0"}
LONGEST_DWELL_S: Final = 240.0
SHORTEST_REPORT_S: Final = 5.0
QUIET_S: Final = 12.0
"""How long people typically read without moving or scrolling."""


class Walk:
    """A shopper in the shop: where they are, what is in the cart, and every act so far.

    `keenness` above 1 scrolls and clicks more in the same time.
    """

    def __init__(
        self,
        random: Random,
        *,
        browser: Browser,
        link: Link,
        place: tuple[str, str],
        dwell_s: float,
        keenness: float = 1.0,
        cart: dict[str, int] | None = None,
    ) -> None:
        self.random = random
        # Of its own, so that where a shopper clicks changes nothing of what the shopper does.
        self._chance = Random(hash(random.getstate()))
        self.acts: list[Act] = []
        self.cart = cart or {}
        self.coupon: str | None = None
        self.has_mouse = browser.width > 1200
        self._dwell_s = dwell_s
        self._keenness = keenness
        self._link = link
        self._referrer = link.referrer
        self._pause_s = 0.0
        self._unreported_s = 0.0
        self._report_after_s = SHORTEST_REPORT_S + random.expovariate(1 / QUIET_S)
        self._scrolled = 0.0
        self._context: dict[str, Any] = {}
        self._browser: dict[str, Any] = {
            "userAgent": browser.user_agent,
            "locale": place[0],
            "timezone": place[1],
            "screen": {"width": browser.width, "height": browser.height},
            "library": LIBRARY,
        }

    # Pages

    def list_page(self, category: str | None = None, search: str | None = None) -> None:
        query = f"?q={quote_plus(search)}" if search else f"?category={quote_plus(category)}" if category else ""
        self._open("/", query, f"{search or category or 'Tea and the things it needs'} · Moss & Kiln")
        if search:
            self._track(event_names.SEARCH, {"search_term": search}, after_s=0.1)
        self._track(
            event_names.VIEW_ITEM_LIST,
            {
                "item_list_name": "Search results" if search else category or "All products",
                "currency": catalogue.CURRENCY,
                "items": catalogue.LISTED[category],
            },
            after_s=0.1,
        )
        self._stay(0.7)

    def product_page(self, product: Product) -> None:
        self._open(f"/products/{product.item_id}", "", f"{product.name} · Moss & Kiln")
        self._track(event_names.VIEW_ITEM, _money([product.item()], product.price), after_s=0.1)
        self._stay(1.0)

    def cart_page(self) -> None:
        self._open("/cart", "", "Your cart · Moss & Kiln")
        self._track(event_names.VIEW_CART, self._cart_money(), after_s=0.1)
        self._stay(0.6)

    def checkout_page(self, step: Literal["shipping", "payment"]) -> None:
        self._open(f"/checkout/{step}", "", f"Checkout: {step} · Moss & Kiln")
        if step == "shipping":
            self._track(event_names.BEGIN_CHECKOUT, {**self._cart_money(), **self._coupon()}, after_s=0.1)
        self._stay(1.4)

    def leave(self) -> None:
        """Close the tab: what happened on the last page is reported."""
        self._report_engagement()

    # Acts on a page

    def identify(self, user_id: str) -> None:
        self._pause_s += 0.05
        self._act("identify", event_names.IDENTIFY, {"plan": "tea-club", "user_key": derived_id(user_id)[:8]})

    def add_to_cart(self, product: Product, quantity: int = 1) -> None:
        self.cart[product.item_id] = self.cart.get(product.item_id, 0) + quantity
        self._track(event_names.ADD_TO_CART, _money([product.item(quantity)], product.price * quantity))
        self._stay(0.2)

    def remove_from_cart(self, item_id: str) -> None:
        product, quantity = catalogue.BY_ID[item_id], self.cart.pop(item_id)
        self._track(event_names.REMOVE_FROM_CART, _money([product.item(quantity)], product.price * quantity))
        self._stay(0.3)

    def add_to_wishlist(self, product: Product) -> None:
        self._track(event_names.ADD_TO_WISHLIST, _money([product.item()], product.price))
        self._stay(0.1)

    def apply_coupon(self, code: str = catalogue.COUPON) -> None:
        self.coupon = code
        self._track(event_names.COUPON_APPLIED, {"coupon": code})
        self._stay(0.2)

    def give_shipping(self) -> None:
        self._track(event_names.ADD_SHIPPING_INFO, {**self._cart_money(), "shipping_tier": "Standard"})
        self._stay(0.05)

    def give_payment(self) -> None:
        self._track(event_names.ADD_PAYMENT_INFO, {**self._cart_money(), "payment_type": "Card"})
        self._stay(0.05)

    def purchase(self, transaction_id: str) -> None:
        """The confirmation page. The order's value is what is paid for the products; postage is `shipping`."""
        self._open("/confirmation", "", "Thank you · Moss & Kiln")
        money = self._cart_money()
        full = money["value"]
        percent = catalogue.COUPON_PERCENT if self.coupon else 0.0
        order = {
            **money,
            "value": round(full * (1 - percent / 100), 2),
            "transaction_id": transaction_id,
            "shipping": 0.0 if full >= catalogue.FREE_SHIPPING_FROM else catalogue.SHIPPING,
            **self._coupon(),
        }
        self._track(event_names.PURCHASE, order, after_s=0.1)
        self.cart.clear()
        self._stay(0.4)

    def resume(self, last: Act) -> None:
        """Go on from another walk's last act: same page, same browser."""
        self._context = dict(last.context)
        self._browser = {name: last.context[name] for name in self._browser}
        self._referrer = str(last.context["page"]["url"])
        self._link = Link()
        self._stay(0.2)

    # Machinery

    def _open(self, path: str, query: str, title: str) -> None:
        self._report_engagement()
        search = query or (self._link.query if not self.acts else "")
        url = f"{catalogue.SHOP_URL}{path}{search}"
        page = {"path": path, "search": search, "url": url, "title": title, "referrer": self._referrer}
        self._context = {**self._browser, "page": page}
        if not self.acts and self._link.source:
            link = self._link
            self._context["campaign"] = {"source": link.source, "medium": link.medium, "name": link.campaign}
        self._referrer = url
        self._scrolled = 12.0
        self._act("page", event_names.PAGE_VIEW, {})

    def _track(self, event: str, properties: Mapping[str, object], *, after_s: float = 0.0) -> None:
        self._pause_s += after_s
        self._act("track", event, properties)

    def _act(self, kind: Literal["page", "track", "identify"], event: str, properties: Mapping[str, object]) -> None:
        self.acts.append(Act(round(self._pause_s, 3), kind, event, properties, self._context))
        self._pause_s = 0.0

    def _stay(self, share: float) -> None:
        """Look at the page for a while; use of it is reported now and then, as the tracker does."""
        left = max(0.3, min(LONGEST_DWELL_S, share * self._dwell_s * self.random.lognormvariate(0.0, 0.7)))
        while self._unreported_s + left > self._report_after_s:
            part = self._report_after_s - self._unreported_s
            self._pause_s += part
            self._unreported_s += part
            left -= part
            self._report_engagement()
        self._pause_s += left
        self._unreported_s += left

    def _report_engagement(self) -> None:
        """What the tracker sends: how long and how much the page was used since the last report."""
        random, seconds = self.random, self._unreported_s
        if seconds < 0.3:
            return
        self._scrolled = min(100.0, self._scrolled + seconds * random.uniform(0.3, 3.0) * self._keenness)
        report = {
            "engagement_time_msec": round(seconds * min(1.0, random.uniform(0.4, 0.9) * self._keenness**0.5) * 1000),
            "percent_scrolled": round(self._scrolled),
            "pointer_distance_px": round(seconds * random.uniform(20, 140)) if self.has_mouse else 0,
            "click_count": int(random.expovariate(0.9 / self._keenness)),
            "rage_click_count": 1 if random.random() < 0.01 else 0,
        }
        page, clicks, rages = self._context["page"], report["click_count"], report["rage_click_count"]
        report |= clicks_on(page["path"], clicks, rages, is_wide=self.has_mouse, chance=self._chance)
        self._unreported_s = 0.0
        self._report_after_s = SHORTEST_REPORT_S + random.expovariate(1 / QUIET_S)
        self._track(event_names.USER_ENGAGEMENT, report)

    def _cart_money(self) -> dict[str, Any]:
        items = [catalogue.BY_ID[item_id].item(quantity) for item_id, quantity in self.cart.items()]
        return _money(items, sum(catalogue.BY_ID[i].price * quantity for i, quantity in self.cart.items()))

    def _coupon(self) -> dict[str, object]:
        return {"coupon": self.coupon} if self.coupon else {}


def _money(items: list[dict[str, object]], value: float) -> dict[str, Any]:
    return {"currency": catalogue.CURRENCY, "value": round(value, 2), "items": items}
