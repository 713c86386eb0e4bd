"""Hop 5. Session features in, persona and its confidence out: the nearest of five K-Means centres.

Centres are plain numbers in the model's card. They keep their names across trainings because clustering starts from what each name
means (`PROTOTYPES`) and the result is matched to those meanings again. Early in a session little is known of the visit, so it counts as
average until events come in; what the visitor did before counts at once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from contracts.decisions import Persona
from contracts.features import SessionFeatures

FULL_EVENTS: Final = 8
"""Events after which a visit is judged by what it is."""
SESSION_WORTH_EVENTS: Final = 3
"""An earlier session tells as much about a visitor as this many events."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One axis that personas differ on. Counts and money are on a log scale: the tenth differs from the first more than from the eleventh."""

    name: str
    meaning: str
    sources: tuple[str, ...]
    is_history: bool
    of: Callable[[SessionFeatures], float]


def _pace(f: SessionFeatures) -> float:
    return math.log1p(f.time_on_site_s / (f.event_count - 1)) if f.event_count > 1 else math.nan


TRAITS: Final = (
    Trait(
        "previous_purchases",
        "Purchases before this session.",
        ("previous_purchase_count",),
        True,
        lambda f: math.log1p(f.previous_purchase_count),
    ),
    Trait(
        "previous_revenue",
        "Money spent before this session.",
        ("previous_revenue",),
        True,
        lambda f: math.log1p(f.previous_revenue),
    ),
    Trait(
        "products",
        "Product views.",
        ("product_view_count",),
        False,
        lambda f: math.log1p(f.product_view_count),
    ),
    Trait("depth", "Pages viewed.", ("page_count",), False, lambda f: math.log1p(f.page_count)),
    Trait("time", "Seconds on site.", ("time_on_site_s",), False, lambda f: math.log1p(f.time_on_site_s)),
    Trait("pace", "Seconds between events.", ("time_on_site_s", "event_count"), False, _pace),
    Trait(
        "basket",
        "Value put in the cart, bought or not.",
        ("cart_value", "revenue"),
        False,
        lambda f: math.log1p(f.cart_value + f.revenue),
    ),
)

PROTOTYPES: Final[dict[Persona, tuple[float, ...]]] = {
    # standard deviations from the mean of all visits, in the order of TRAITS
    "VIP Loyalist": (2.5, 2.5, 0.0, 0.0, 0.0, 0.0, 0.5),
    "Research Shopper": (0.0, 0.0, 1.5, 1.5, 1.2, 0.4, 0.0),
    "Quick Buyer": (0.0, 0.0, 0.0, 0.0, 0.0, -0.8, 1.8),
    "Browser": (-0.3, -0.3, -1.2, -1.2, -1.5, -0.5, -0.6),
    "Casual Visitor": (0.0, 0.0, 0.0, 0.0, 0.0, 0.3, -0.4),
}
AVERAGE: Final[Persona] = "Casual Visitor"


class PersonaModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a card keeps of the clustering: how traits are scaled, the centres, and how wide a cluster is."""

    traits: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    centres: dict[Persona, tuple[float, ...]]
    """In scaled traits."""
    spread: float
    """Mean squared distance of a visit to its centre, divided by the number of traits."""
    silhouette: float | None = None
    """How much nearer a visit is to its own cluster than to the next one: 1 is apart, 0 is no border at all. Null where not measured."""
    stability: float | None = None
    """Adjusted Rand index between these clusters and those learnt from resampled visits, mean over resamples: 1 is always the same."""


class PersonaScorer:
    """Gives each session its persona."""

    def __init__(self, model: PersonaModel) -> None:
        self._names = tuple(model.centres)
        self._centres = tuple(model.centres.values())
        self._axes = tuple(
            (trait.of, trait.is_history, mean, 1.0 / scale, usual)
            for trait, mean, scale, usual in zip(TRAITS, model.mean, model.scale, model.centres[AVERAGE], strict=True)
        )
        self._sharpness = -0.5 / model.spread

    def score(self, features: SessionFeatures, known: frozenset[str] | None = None) -> tuple[Persona, float]:
        """The persona and the confidence in it, from 0.2 (any of the five) to 1.

        `known` names the fields that may be believed; without it, all of them.
        """
        events = features.event_count - 1
        visit = min(1.0, events / (FULL_EVENTS - 1)) if events > 0 else 0.0
        point = []
        for of, is_history, mean, inverse_scale, usual in self._axes:
            value = (of(features) - mean) * inverse_scale
            if value != value:  # NaN: nothing known, so average
                value = usual
            elif not is_history:
                value = usual + visit * (value - usual)
            point.append(value)
        if known is not None:
            for place, trait in enumerate(TRAITS):
                if not known.issuperset(trait.sources):
                    point[place] = self._axes[place][4]
        distances = [math.dist(point, centre) for centre in self._centres]
        nearest = min(distances)
        weights = [math.exp((d * d - nearest * nearest) * self._sharpness) for d in distances]
        place = distances.index(nearest)
        evidence = min(
            1.0, (max(0, events) + SESSION_WORTH_EVENTS * features.previous_session_count) / (FULL_EVENTS - 1)
        )
        unsure = 1.0 / len(weights)
        return self._names[place], round(unsure + evidence * (weights[place] / sum(weights) - unsure), 4)
