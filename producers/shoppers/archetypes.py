"""Kinds of shoppers: how each comes, looks around and decides. Shares and rates are of visits."""

from dataclasses import dataclass
from typing import Final, Literal

ArchetypeName = Literal["researcher", "hurried buyer", "bargain hunter", "browser", "loyal VIP", "casual", "bot"]
"""A bot is none of the archetypes: `bots.py` makes its visits."""
Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Archetype:
    """A kind of shopper. `…_logit` are log odds at average intent; a visit's intent and its luck move them."""

    name: ArchetypeName
    share: float
    """Of visitors."""
    comes_back: float
    """Probability of one more visit after each visit."""
    bounce: float
    depth: float
    """Typical number of pages of a visit that does not bounce."""
    dwell_s: float
    """Typical time on a page."""
    product_share: float
    """Of the pages, those of products."""
    search_share: float
    """Of the pages that are not products, searches."""
    cart_logit: float
    """Of putting a product that is looked at into the cart."""
    checkout_logit: float
    """Of going to the checkout with a cart."""
    finish_logit: float
    """Of going on at each step of the checkout."""
    coupon: float
    price_taste: float
    """Above 0 prefers what costs more."""
    focus: float
    """Probability that the next product is of the same category."""
    devices: Weights
    channels: Weights
    is_known: float = 0.0
    """Probability of being signed in."""


ARCHETYPES: Final = (
    Archetype(
        name="researcher",
        share=0.17,
        comes_back=0.55,
        bounce=0.24,
        depth=11,
        dwell_s=48,
        product_share=0.68,
        search_share=0.45,
        cart_logit=-3.6,
        checkout_logit=-1.65,
        finish_logit=0.8,
        coupon=0.15,
        price_taste=0.4,
        focus=0.8,
        devices={"desktop": 0.72, "mobile": 0.18, "tablet": 0.10},
        channels={"search": 0.5, "direct": 0.2, "referral": 0.15, "email": 0.1, "paid": 0.05},
        is_known=0.1,
    ),
    Archetype(
        name="hurried buyer",
        share=0.09,
        comes_back=0.3,
        bounce=0.25,
        depth=4.2,
        dwell_s=11,
        product_share=0.7,
        search_share=0.7,
        cart_logit=-1.3,
        checkout_logit=-0.35,
        finish_logit=1.25,
        coupon=0.03,
        price_taste=0.1,
        focus=0.9,
        devices={"mobile": 0.66, "desktop": 0.3, "tablet": 0.04},
        channels={"direct": 0.3, "search": 0.3, "paid": 0.25, "email": 0.15},
        is_known=0.2,
    ),
    Archetype(
        name="bargain hunter",
        share=0.13,
        comes_back=0.45,
        bounce=0.38,
        depth=8,
        dwell_s=24,
        product_share=0.5,
        search_share=0.3,
        cart_logit=-2.3,
        checkout_logit=-1.45,
        finish_logit=0.5,
        coupon=0.7,
        price_taste=-1.0,
        focus=0.5,
        devices={"mobile": 0.5, "desktop": 0.42, "tablet": 0.08},
        channels={"email": 0.3, "paid": 0.25, "referral": 0.2, "search": 0.15, "social": 0.1},
        is_known=0.1,
    ),
    Archetype(
        name="browser",
        share=0.24,
        comes_back=0.3,
        bounce=0.46,
        depth=7,
        dwell_s=18,
        product_share=0.45,
        search_share=0.12,
        cart_logit=-4.1,
        checkout_logit=-2.25,
        finish_logit=0.2,
        coupon=0.05,
        price_taste=0.2,
        focus=0.35,
        devices={"mobile": 0.68, "desktop": 0.24, "tablet": 0.08},
        channels={"social": 0.45, "direct": 0.2, "search": 0.2, "referral": 0.15},
    ),
    Archetype(
        name="loyal VIP",
        share=0.05,
        comes_back=0.78,
        bounce=0.14,
        depth=6.5,
        dwell_s=26,
        product_share=0.62,
        search_share=0.4,
        cart_logit=-1.8,
        checkout_logit=-0.65,
        finish_logit=1.2,
        coupon=0.2,
        price_taste=0.9,
        focus=0.6,
        devices={"desktop": 0.5, "mobile": 0.4, "tablet": 0.1},
        channels={"direct": 0.5, "email": 0.4, "search": 0.1},
        is_known=0.8,
    ),
    Archetype(
        name="casual",
        share=0.32,
        comes_back=0.18,
        bounce=0.61,
        depth=3.6,
        dwell_s=16,
        product_share=0.5,
        search_share=0.15,
        cart_logit=-3.3,
        checkout_logit=-1.75,
        finish_logit=0.2,
        coupon=0.04,
        price_taste=-0.2,
        focus=0.5,
        devices={"mobile": 0.7, "desktop": 0.24, "tablet": 0.06},
        channels={"social": 0.3, "paid": 0.25, "search": 0.3, "direct": 0.15},
    ),
)
