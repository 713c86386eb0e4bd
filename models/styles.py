"""Hop 5. Session features in, shopping style and its confidence out: a few signals, added up in the open.

Each signal says how much one feature, going from `none` to `full`, speaks for a style. There is no training in it, so a shopkeeper
can read why a visit counts as hurried and change the numbers in the model's card.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from contracts.decisions import Style
from models.features import NAMES

FULL_EVENTS: Final = 6
"""Events after which the signals count fully."""
STYLES: Final[tuple[Style, ...]] = ("Explorer", "Hurried", "Bargain hunter")


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """`weight` points for `style` when `feature` is at `full`, none when it is at `none`, in proportion between; unknown gives none."""

    style: Style
    feature: str
    none: float
    full: float
    weight: float


class StyleModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a card keeps of the style rule. A style is e^`sharpness` times as likely as another for each point it is ahead."""

    signals: tuple[Signal, ...]
    sharpness: float


def _signal(style: Style, feature: str, none: float, full: float, weight: float) -> Signal:
    return Signal(style=style, feature=feature, none=none, full=full, weight=weight)


DEFAULT: Final = StyleModel(
    sharpness=2.5,
    signals=(
        # looks around thoroughly
        _signal("Explorer", "distinct_product_count", 1, 6, 0.7),
        _signal("Explorer", "distinct_category_count", 1, 4, 0.5),
        _signal("Explorer", "list_view_count", 1, 6, 0.3),
        _signal("Explorer", "search_count", 0, 3, 0.3),
        _signal("Explorer", "scroll_percent_max", 50, 100, 0.3),
        _signal("Explorer", "seconds_per_page", 15, 60, 0.8),
        # decides fast; the pace is by page, because how many events a page sends is the tracker's doing
        _signal("Hurried", "seconds_per_page", 30, 8, 1.0),
        _signal("Hurried", "scroll_percent_max", 60, 15, 0.3),
        _signal("Hurried", "add_to_cart_count", 0, 1, 0.3),
        _signal("Hurried", "checkout_step_count", 0, 2, 0.3),
        _signal("Hurried", "rage_click_count", 0, 2, 0.3),
        # looks for deals
        _signal("Bargain hunter", "coupon_count", 0, 1, 1.6),
        _signal("Bargain hunter", "promotion_count", 0, 2, 1.2),
        _signal("Bargain hunter", "remove_from_cart_count", 0, 2, 0.5),
        _signal("Bargain hunter", "wishlist_count", 0, 2, 0.3),
        _signal("Bargain hunter", "from_email", 0, 1, 0.5),
        _signal("Bargain hunter", "from_paid", 0, 1, 0.4),
    ),
)


class StyleScorer:
    """Gives each session its style."""

    def __init__(self, model: StyleModel) -> None:
        """Raises `KeyError` for a signal on a feature that does not exist."""
        places = {name: place for place, name in enumerate(NAMES)}
        self._sharpness = model.sharpness
        self._signals = tuple(
            (
                STYLES.index(signal.style),
                places[signal.feature],
                signal.none,
                1.0 / (signal.full - signal.none),
                signal.weight,
            )
            for signal in model.signals
        )
        self._event_count = places["event_count"]

    def score(self, row: Sequence[float]) -> tuple[Style, float]:
        """The style and the confidence in it, from 1/3 (any of the three) to 1; `row` is in the order of `FEATURES`."""
        points = [0.0, 0.0, 0.0]
        for style, place, none, inverse_range, weight in self._signals:
            share = (row[place] - none) * inverse_range
            if share > 0.0:  # false for NaN too
                points[style] += weight if share > 1.0 else share * weight
        most = max(points)
        weights = [math.exp((each - most) * self._sharpness) for each in points]
        events = row[self._event_count]
        evidence = min(1.0, (events - 1) / (FULL_EVENTS - 1)) if events > 1 else 0.0
        return STYLES[points.index(most)], round(1 / 3 + evidence * (1.0 / sum(weights) - 1 / 3), 4)
