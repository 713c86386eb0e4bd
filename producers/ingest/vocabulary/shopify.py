"""The standard events of Shopify's web pixels."""

from collections.abc import Mapping
from typing import Final

from contracts import event_names as names

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
