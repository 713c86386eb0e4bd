"""Visits in, five named clusters out."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from contracts.decisions import Persona
from contracts.features import SessionFeatures
from models.card import CARD_FILE
from models.metrics import Numbers
from models.personas import FULL_EVENTS, PROTOTYPES, TRAITS, PersonaModel
from models.serving import DEFAULT_FOLDER

ENOUGH_VISITS: Final = 100
SMALLEST_SCALE: Final = 1e-3
DIGITS: Final = 5
SMALLEST_SPREAD: Final = 1e-5
"""Confidence divides by it."""
RESAMPLES: Final = 10
SILHOUETTE_VISITS: Final = 2_000
QUALITY_DIGITS: Final = 3


class _OfACard(msgspec.Struct):
    personas: PersonaModel


def fit_personas(visits: Sequence[SessionFeatures], seed: int) -> PersonaModel:
    """Cluster whole visits, starting from what the names mean, and give each centre the name whose meaning it is nearest to.

    Visits that left early say little and would be two clusters of their own: they are left out, unless there are hardly others.
    Where hardly two visits differ there is nothing to cluster, and the personas are those of the model that ships.
    """
    long = [visit for visit in visits if visit.event_count >= FULL_EVENTS]
    if len(long) >= ENOUGH_VISITS:
        visits = long
    traits = np.array([[trait.of(visit) for trait in TRAITS] for visit in visits], dtype=np.float64)
    mean = np.nanmean(traits, axis=0)
    scale = np.maximum(np.nanstd(traits, axis=0), SMALLEST_SCALE)
    points = np.nan_to_num((traits - mean) / scale)
    if len(np.unique(points.round(DIGITS), axis=0)) <= len(PROTOTYPES):
        return shipped_personas()
    clusters = _clustered(points, seed)
    centres = clusters.cluster_centers_
    names = named(centres)
    return PersonaModel(
        traits=tuple(trait.name for trait in TRAITS),
        mean=_rounded(mean),
        scale=_rounded(scale),
        centres={name: _rounded(centres[place]) for name, place in names.items()},
        spread=max(SMALLEST_SPREAD, round(float(clusters.inertia_) / points.size, DIGITS)),
        silhouette=_silhouette(points, clusters.labels_, seed),
        stability=_stability(points, clusters.labels_, seed),
    )


def shipped_personas() -> PersonaModel:
    """Those of the model that ships, whichever version its other parts are of."""
    return msgspec.json.decode((DEFAULT_FOLDER / CARD_FILE).read_bytes(), type=_OfACard).personas


def named(centres: Numbers) -> dict[Persona, int]:
    """The place of each persona's centre: the matching of names to centres with the least total distance."""
    meanings = np.array(list(PROTOTYPES.values()))
    distances = np.linalg.norm(meanings[:, None, :] - centres[None, :, :], axis=2)
    _, places = linear_sum_assignment(distances)
    return {name: int(place) for name, place in zip(PROTOTYPES, places, strict=True)}


def _clustered(points: Numbers, seed: int) -> KMeans:
    meanings = np.array(list(PROTOTYPES.values()))
    return KMeans(n_clusters=len(PROTOTYPES), init=meanings, n_init=1, random_state=seed).fit(points)


def _silhouette(points: Numbers, labels: NDArray[np.int32], seed: int) -> float:
    chosen = np.random.default_rng(seed).permutation(len(points))[:SILHOUETTE_VISITS]
    return round(float(silhouette_score(points[chosen], labels[chosen])), QUALITY_DIGITS)


def _stability(points: Numbers, labels: NDArray[np.int32], seed: int) -> float:
    random = np.random.default_rng(seed)
    scores = []
    for _ in range(RESAMPLES):
        drawn = points[random.integers(0, len(points), len(points))]
        scores.append(adjusted_rand_score(labels, _clustered(drawn, seed).predict(points)))
    return round(float(np.mean(scores)), QUALITY_DIGITS)


def _rounded(values: Numbers) -> tuple[float, ...]:
    # The last bits depend on how many threads added; a card must not.
    return tuple(np.round(values, DIGITS).tolist())
