"""The standard events of Shopify's web pixels, as tables."""

from collections.abc import Mapping
from typing import Final

from contracts import event_names as names
from producers.ingest.vocabulary.places import Path

EVENT_NAMES: Final[Mapping[str, str]] = {
    "page_viewed": names.PAGE_VIEW,
    "collection_viewed": names.VIEW_ITEM_LIST,
    "product_viewed": names.VIEW_ITEM,
    "search_submitted": names.SEARCH,
    "product_added_to_cart": names.ADD_TO_CART,
    "product_removed_from_cart": names.REMOVE_FROM_CART,
    "cart_viewed": names.VIEW_CART,
    "checkout_started": names.BEGIN_CHECKOUT,
    "checkout_address_info_submitted": names.ADD_SHIPPING_INFO,
    "checkout_shipping_info_submitted": names.ADD_SHIPPING_INFO,
    "payment_info_submitted": names.ADD_PAYMENT_INFO,
    "checkout_completed": names.PURCHASE,
}
"""Lower-case Shopify name → ours."""

PARAMETERS: Final[Mapping[str, Mapping[str, Path]]] = {
    "productVariant": {"value": "price.amount", "currency": "price.currencyCode"},
    "cartLine": {"value": "cost.totalAmount.amount", "currency": "cost.totalAmount.currencyCode"},
    "cart": {"value": "cost.totalAmount.amount", "currency": "cost.totalAmount.currencyCode", "cart_id": "id"},
    "collection": {"item_list_id": "id", "item_list_name": "title"},
    "searchResult": {"search_term": "query"},
    "checkout": {
        # Before duties, shipping and taxes, as GA4's value is; the total stands in for a missing one.
        "value": "subtotalPrice.amount",
        "total": "totalPrice.amount",
        "currency": "currencyCode",
        "transaction_id": "order.id",
        "checkout_id": "token",
        "tax": "totalTax.amount",
        "shipping": "shippingLine.price.amount",
    },
}
"""Object in an event's `data` → our parameter → where in the object its value is. Nothing else of it is taken: a checkout also holds
the shopper's name, addresses, e-mail and telephone number."""

ITEMS: Final[Mapping[str, Path]] = {
    "productVariant": "",
    "cartLine": "",
    "cart": "lines",
    "collection": "productVariants",
    "searchResult": "productVariants",
    "checkout": "lineItems",
}
"""Object in an event's `data` → its one line or list of lines."""

VARIANTS: Final = ("merchandise", "variant", "")
"""Where a line holds its product variant; the first that is there."""

ITEM: Final[Mapping[str, tuple[Path, ...]]] = {
    "item_id": ("product.id", "id"),
    "item_name": ("product.title", "title"),
    "item_brand": ("product.vendor",),
    "item_category": ("product.type",),
    "item_variant": ("title",),
    "price": ("price.amount",),
    "variant_id": ("id",),
    "sku": ("sku",),
}
"""Our field of an item → where in a product variant its value is; the first that is there."""

NO_VARIANT: Final = "Default Title"
"""What Shopify calls the one variant of a product that has no variants."""

USER_ID: Final[Path] = "data.checkout.order.customer.id"

PAGE: Final[Mapping[str, Path]] = {
    "url": "document.location.href",
    "path": "document.location.pathname",
    "title": "document.title",
    "referrer": "document.referrer",
}
CONTEXT: Final[Mapping[str, Path]] = {
    "userAgent": "navigator.userAgent",
    "locale": "navigator.language",
    "screen": "window.screen",
}
"""Field of an SDK's context → where in an event's context its value is."""
