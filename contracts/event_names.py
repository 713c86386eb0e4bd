"""GA4's recommended e-commerce event names, the one vocabulary inside Shopstream.

Other vocabularies are mapped to these at the edge; a name that is not listed here is a custom event and is kept as it came.
Source of the names: Google Analytics 4, "Recommended events".
"""

from typing import Final

PAGE_VIEW: Final = "page_view"
VIEW_ITEM_LIST: Final = "view_item_list"
SELECT_ITEM: Final = "select_item"
VIEW_ITEM: Final = "view_item"
SEARCH: Final = "search"
ADD_TO_CART: Final = "add_to_cart"
REMOVE_FROM_CART: Final = "remove_from_cart"
VIEW_CART: Final = "view_cart"
ADD_TO_WISHLIST: Final = "add_to_wishlist"
BEGIN_CHECKOUT: Final = "begin_checkout"
ADD_SHIPPING_INFO: Final = "add_shipping_info"
ADD_PAYMENT_INFO: Final = "add_payment_info"
PURCHASE: Final = "purchase"
REFUND: Final = "refund"
VIEW_PROMOTION: Final = "view_promotion"
SELECT_PROMOTION: Final = "select_promotion"
COUPON_APPLIED: Final = "coupon_applied"
"""Ours: GA4 has no event for it, and a coupon tells a bargain hunter."""
USER_ENGAGEMENT: Final = "user_engagement"
"""GA4's engagement report: active time, scroll depth, pointer travel and clicks since the last one."""
CLICK: Final = "click"
"""A click on an element that the shop marked with `data-shopstream-click`."""
IDENTIFY: Final = "identify"
"""An SDK told us who the visitor is (`user_id`)."""
INCENTIVE_SHOWN: Final = "incentive_shown"
INCENTIVE_ACCEPTED: Final = "incentive_accepted"
INCENTIVE_DISMISSED: Final = "incentive_dismissed"

RECOMMENDED: Final = frozenset(
    {
        PAGE_VIEW,
        VIEW_ITEM_LIST,
        SELECT_ITEM,
        VIEW_ITEM,
        SEARCH,
        ADD_TO_CART,
        REMOVE_FROM_CART,
        VIEW_CART,
        ADD_TO_WISHLIST,
        BEGIN_CHECKOUT,
        ADD_SHIPPING_INFO,
        ADD_PAYMENT_INFO,
        PURCHASE,
        REFUND,
        VIEW_PROMOTION,
        SELECT_PROMOTION,
        COUPON_APPLIED,
        USER_ENGAGEMENT,
        CLICK,
        IDENTIFY,
        INCENTIVE_SHOWN,
        INCENTIVE_ACCEPTED,
        INCENTIVE_DISMISSED,
    }
)
"""Every name that some step of ours gives a meaning to."""
