"""The cart and what it costs: pure, and small enough to live in a cookie."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import msgspec

from contracts.codec import UNDECODABLE
from storefront.catalogue import BY_ID, CURRENCY, Product

SHIPPING: Final = 4.90
FREE_SHIPPING_FROM: Final = 60.0
MAX_QUANTITY: Final = 20
MAX_DISCOUNT: Final = 30.0
"""Percent. An offer comes from the browser; a real shop would ask the decision API what was really offered."""
COUPONS: Final = {"LEAF10": 10.0}

OfferType = Literal["discount", "loyalty_points", "urgency", "free_shipping", "tutorial", "simplified_checkout"]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An incentive that the shopper accepted."""

    incentive_id: str
    type: OfferType
    discount: float = 0.0

    @property
    def percent(self) -> float:
        return min(MAX_DISCOUNT, max(0.0, self.discount)) if self.type == "discount" else 0.0


class CartState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the cookie holds."""

    quantities: dict[str, int] = {}
    coupon: str = ""
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Line:
    product: Product
    quantity: int

    @property
    def value(self) -> float:
        return round(self.product.price * self.quantity, 2)


@dataclass(frozen=True, slots=True)
class Cart:
    """Lines, coupon and accepted offer, and the sums that follow from them."""

    lines: tuple[Line, ...] = ()
    coupon: str = ""
    offer: Offer | None = None
    currency: str = field(default=CURRENCY, init=False)

    @property
    def item_count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def subtotal(self) -> float:
        return round(sum(line.value for line in self.lines), 2)

    @property
    def percent(self) -> float:
        """The better of coupon and offer; they do not add up."""
        return max(COUPONS.get(self.coupon, 0.0), self.offer.percent if self.offer else 0.0)

    @property
    def code(self) -> str:
        """The name of the discount that counts."""
        if not self.percent:
            return ""
        return self.coupon if COUPONS.get(self.coupon, 0.0) == self.percent else f"KILN{self.percent:g}"

    @property
    def discount(self) -> float:
        return round(self.subtotal * self.percent / 100, 2)

    @property
    def shipping(self) -> float:
        has_offer = self.offer is not None and self.offer.type == "free_shipping"
        return 0.0 if not self.lines or has_offer or self.subtotal >= FREE_SHIPPING_FROM else SHIPPING

    @property
    def total(self) -> float:
        return round(self.subtotal - self.discount + self.shipping, 2)

    @property
    def points(self) -> int:
        """Loyalty points: one for each whole euro, two with the offer."""
        return int(self.subtotal - self.discount) * (2 if self.offer and self.offer.type == "loyalty_points" else 1)

    @property
    def is_express(self) -> bool:
        return self.offer is not None and self.offer.type == "simplified_checkout"

    def ga4(self) -> dict[str, object]:
        """The cart as GA4 parameters; `value` is what the products cost after discount, without postage."""
        money: dict[str, object] = {
            "currency": self.currency,
            "value": round(self.subtotal - self.discount, 2),
            "items": [line.product.item(line.quantity) for line in self.lines],
        }
        return {**money, "coupon": self.code} if self.code else money

    def with_quantity(self, product: Product, quantity: int) -> "Cart":
        """The cart with that many of the product, at most `MAX_QUANTITY`; none takes the line away."""
        quantity = min(MAX_QUANTITY, quantity)
        if any(line.product is product for line in self.lines):
            lines = [Line(line.product, quantity) if line.product is product else line for line in self.lines]
        else:
            lines = [*self.lines, Line(product, quantity)]
        return replace(self, lines=tuple(line for line in lines if line.quantity > 0))

    def quantity_of(self, product: Product) -> int:
        return next((line.quantity for line in self.lines if line.product is product), 0)


def cart_from(cookies: Mapping[str, str]) -> Cart:
    """The visitor's cart; an unreadable cookie is an empty cart."""
    try:
        state = msgspec.json.decode(urlsafe_b64decode(cookies.get("cart", "").encode()), type=CartState)
    except (ValueError, *UNDECODABLE):  # not Base64, not JSON, or not a cart
        return Cart()
    lines = (
        Line(BY_ID[item_id], min(MAX_QUANTITY, quantity))
        for item_id, quantity in state.quantities.items()
        if item_id in BY_ID and quantity > 0
    )
    return Cart(tuple(lines), state.coupon if state.coupon in COUPONS else "", state.offer)


def cookie_of(cart: Cart) -> str:
    """The cookie's value, in the letters that a cookie may have."""
    quantities = {line.product.item_id: line.quantity for line in cart.lines}
    state = CartState(quantities=quantities, coupon=cart.coupon, offer=cart.offer)
    return urlsafe_b64encode(msgspec.json.encode(state)).decode()
