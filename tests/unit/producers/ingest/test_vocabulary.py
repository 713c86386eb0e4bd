"""Every vocabulary's names lead to GA4's."""

import pytest

from contracts.event_names import RECOMMENDED
from producers.ingest.vocabulary import canonical_name, segment

TABLE = """
| view_item_list | Product List Viewed | collection_viewed |
| select_item | Product Clicked | |
| view_item | Product Viewed | product_viewed |
| search | Products Searched | search_submitted |
| add_to_cart | Product Added | product_added_to_cart |
| remove_from_cart | Product Removed | product_removed_from_cart |
| view_cart | Cart Viewed | cart_viewed |
| add_to_wishlist | Product Added to Wishlist | |
| begin_checkout | Checkout Started | checkout_started |
| add_shipping_info | Checkout Step Completed | checkout_address_info_submitted, checkout_shipping_info_submitted |
| add_payment_info | Payment Info Entered | payment_info_submitted |
| purchase | Order Completed | checkout_completed |
| refund | Order Refunded | |
| view_promotion | Promotion Viewed | |
| select_promotion | Promotion Clicked | |
| coupon_applied | Coupon Applied, Coupon Denied, Coupon Removed | |
| page_view | | page_viewed |
| search | view_search_results | |
"""
NAMES = [
    (name.strip(), ours.strip())
    for ours, *theirs in (line.strip("| ").split("|") for line in TABLE.strip().splitlines())
    for name in ",".join(theirs).split(",")
    if name.strip()
]


@pytest.mark.parametrize(("theirs", "ours"), NAMES)
def test_a_known_name_is_ga4s(theirs: str, ours: str) -> None:
    assert canonical_name(theirs) == canonical_name(theirs.upper()) == ours


@pytest.mark.parametrize("name", sorted(RECOMMENDED))
def test_ga4s_own_names_stay(name: str) -> None:
    assert canonical_name(name) == name


def test_any_other_name_is_custom() -> None:
    assert canonical_name("Song Played") is None


def test_parameters_are_mapped_for_our_names_only() -> None:
    assert segment.PARAMETERS.keys() | segment.ONE_PRODUCT <= RECOMMENDED
    assert segment.CONSTANTS.keys() <= segment.EVENT_NAMES.keys()
