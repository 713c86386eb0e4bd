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
USER_ENGAGEMENT: Final = "user_engagement"
CLICK: Final = "click"
IDENTIFY: Final = "identify"
INCENTIVE_SHOWN: Final = "incentive_shown"
INCENTIVE_ACCEPTED: Final = "incentive_accepted"
INCENTIVE_DISMISSED: Final = "incentive_dismissed"

MEANINGS: Final = {
    PAGE_VIEW: "A page, or a view of a single-page shop, was shown.",
    VIEW_ITEM_LIST: "A list of products was shown.",
    SELECT_ITEM: "A product was chosen in a list.",
    VIEW_ITEM: "A product's own page was shown.",
    SEARCH: "The visitor searched in the shop.",
    ADD_TO_CART: "Products were put into the cart.",
    REMOVE_FROM_CART: "Products were taken out of the cart.",
    VIEW_CART: "The cart was shown.",
    ADD_TO_WISHLIST: "A product was put on the wish list.",
    BEGIN_CHECKOUT: "The checkout began.",
    ADD_SHIPPING_INFO: "The address was given.",
    ADD_PAYMENT_INFO: "The payment was chosen.",
    PURCHASE: "An order was placed.",
    REFUND: "An order was refunded.",
    VIEW_PROMOTION: "A promotion was shown.",
    SELECT_PROMOTION: "A promotion was chosen.",
    COUPON_APPLIED: "A coupon was entered. Ours: GA4 has no event for it, and a coupon tells a bargain hunter.",
    USER_ENGAGEMENT: "Active time, scroll depth, pointer travel and clicks since the last report.",
    CLICK: "A click on an element that the shop marked with `data-shopstream-click`.",
    IDENTIFY: "An SDK told who the visitor is (`user_id`).",
    INCENTIVE_SHOWN: "The page showed an incentive.",
    INCENTIVE_ACCEPTED: "The visitor took an incentive.",
    INCENTIVE_DISMISSED: "The visitor sent an incentive away.",
}
"""Every name that some step of ours gives a meaning to, and the meaning."""

RECOMMENDED: Final = frozenset(MEANINGS)
