"""What is known of a visitor: shops differ in what they send, and a model has to have met each case."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features import SOURCES, known_columns

ENGAGEMENT: Final = frozenset(
    {"active_ms", "scroll_percent_max", "pointer_distance_px", "click_count", "rage_click_count"}
)
PRICES: Final = frozenset({"viewed_price_mean", "viewed_price_max"})
EARLIER_SYSTEM: Final = frozenset(
    {
        "time_on_site_s",
        "page_count",
        "cart_value",
        "previous_purchase_count",
        "device_type",
        # the moment of the request tells these
        "hour",
        "weekday",
    }
)
"""The fields that `POST /api/predict` of the earlier system knows."""
KNOWLEDGE: Final = (
    # Shops differ in what they send. Learning from some visitors as another shop would have seen them makes "unknown" a value
    # that the forest has met, instead of a surprise.
    (0.60, SOURCES),
    (0.16, SOURCES - ENGAGEMENT),
    (0.10, SOURCES - ENGAGEMENT - PRICES - {"device_type"}),
    (0.14, EARLIER_SYSTEM),
)
"""Share of visitors, and the fields of `SessionFeatures` that are known of them in training."""


def known_mask(visitor_ids: Iterable[str], seed: int) -> NDArray[np.bool_]:
    """Which features each example keeps, one row an example; every example of a visitor keeps the same."""
    columns = [known_columns(fields) for _, fields in KNOWLEDGE]
    edges = np.cumsum([share for share, _ in KNOWLEDGE])
    edges[-1] = 1.0
    kinds = [int(np.searchsorted(edges, _unit(f"{seed}/{visitor_id}"), side="right")) for visitor_id in visitor_ids]
    return np.array([columns[kind] for kind in kinds]).reshape(len(kinds), len(columns[0]))


def _unit(text: str) -> float:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") / 2**64
