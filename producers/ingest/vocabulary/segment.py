"""Segment's e-commerce vocabulary (version 2, and the names of version 1 that are still sent), as RudderStack speaks it too."""

from collections.abc import Mapping
from typing import Final

from contracts import event_names as names

EVENT_NAMES: Final[Mapping[str, str]] = {
    "product list viewed": names.VIEW_ITEM_LIST,
    "product clicked": names.SELECT_ITEM,
    "product viewed": names.VIEW_ITEM,
    "products searched": names.SEARCH,
    "product added": names.ADD_TO_CART,
    "wishlist product added to cart": names.ADD_TO_CART,
    "product removed": names.REMOVE_FROM_CART,
    "cart viewed": names.VIEW_CART,
    "product added to wishlist": names.ADD_TO_WISHLIST,
    "checkout started": names.BEGIN_CHECKOUT,
    "checkout step completed": names.ADD_SHIPPING_INFO,
    "payment info entered": names.ADD_PAYMENT_INFO,
    "order completed": names.PURCHASE,
    "order refunded": names.REFUND,
    "promotion viewed": names.VIEW_PROMOTION,
    "promotion clicked": names.SELECT_PROMOTION,
    "coupon applied": names.COUPON_APPLIED,
    "coupon denied": names.COUPON_APPLIED,
    "coupon removed": names.COUPON_APPLIED,
    # version 1
    "viewed product category": names.VIEW_ITEM_LIST,
    "viewed product": names.VIEW_ITEM,
    "added product": names.ADD_TO_CART,
    "removed product": names.REMOVE_FROM_CART,
    "completed order": names.PURCHASE,
}
"""Lower-case Segment name → ours."""

CONSTANTS: Final[Mapping[str, Mapping[str, str]]] = {
    "coupon applied": {"coupon_status": "applied"},
    "coupon denied": {"coupon_status": "denied"},
    "coupon removed": {"coupon_status": "removed"},
}
"""What a name says that ours does not: lower-case Segment name → custom parameters."""

_LIST: Final = {"products": "items"}
_ORDER: Final = {
    "products": "items",
    "order_id": "transaction_id",
    "orderId": "transaction_id",
    # GA4's value is without tax and shipping, as Segment's revenue and subtotal are; total, with both, stands in for missing ones.
    "revenue": "value",
    "subtotal": "value",
    "total": "value",
}

PARAMETERS: Final[Mapping[str, Mapping[str, str]]] = {
    names.VIEW_ITEM_LIST: _LIST,
    names.SEARCH: {**_LIST, "query": "search_term"},
    names.VIEW_CART: {**_LIST, "total": "value"},
    names.BEGIN_CHECKOUT: _ORDER,
    names.ADD_SHIPPING_INFO: _ORDER,
    names.ADD_PAYMENT_INFO: _ORDER,
    names.PURCHASE: _ORDER,
    names.REFUND: _ORDER,
    names.COUPON_APPLIED: {**_ORDER, "coupon_id": "coupon", "coupon_name": "coupon"},
}
"""Our event name → their parameter → field of `Properties`; where two lead to one field the first present one wins."""

ITEM_PARAMETERS: Final[Mapping[str, str]] = {
    "product_id": "item_id",
    "id": "item_id",
    "sku": "item_id",
    "name": "item_name",
    "brand": "item_brand",
    "category": "item_category",
    "variant": "item_variant",
    "position": "index",
}
"""Key of a product → field of `Item`, with the same precedence."""

ONE_PRODUCT: Final = frozenset(
    {names.SELECT_ITEM, names.VIEW_ITEM, names.ADD_TO_CART, names.REMOVE_FROM_CART, names.ADD_TO_WISHLIST}
)
"""Events whose product Segment spreads over the parameters themselves."""

PAGE_PARAMETERS: Final[Mapping[str, str]] = {
    "url": "page_url",
    "path": "page_path",
    "title": "page_title",
    "referrer": "page_referrer",
}
"""Parameter of a `page` or `screen` call → field of `Context`."""
