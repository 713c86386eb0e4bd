"""How far what a model sees now is from what it learnt from: PSI and KS of each feature and of the score.

Training keeps, of each feature, the edges of ten bins of about equal count and the share of examples in each; live states are
counted into the same bins. What is not known is a bin of its own.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.features import NAMES, Row

Numbers = NDArray[np.float64]

BINS: Final = 10
FLOOR: Final = 1e-4
"""An empty bin counts as this share, or one visit of a kind never seen would make the index infinite."""
SLOTS: Final = 12
"""The sliding window moves by a twelfth of its length."""
MIN_STATES: Final = 1_000
"""With fewer states in the window the index is mostly luck: by chance alone it is about bins divided by states."""
MAX_ROWS: Final = 256
"""States counted of one poll, spread over it."""
SCORE: Final = "likelihood"
CALENDAR: Final = frozenset({"hour_sin", "hour_cos", "weekday_sin", "weekday_cos"})
"""They move with the clock and say nothing about the shop."""


class FeatureBins(msgspec.Struct, frozen=True, kw_only=True):
    """What training saw of one feature, or of the score. `shares` has the share of the unknown first, then one for each bin.

    Bins end at the edges, edge included; the last has no end.
    """

    name: str
    edges: tuple[float, ...]
    shares: tuple[float, ...]


class Drift(msgspec.Struct, frozen=True):
    """How far one feature is from training. `ks` is of the known values; both are 0 for the same distribution."""

    name: str
    psi: float
    ks: float


def bins_of(rows: Row, likelihoods: Numbers) -> tuple[FeatureBins, ...]:
    """The bins of every feature but the calendar's, and of the score, from the examples of a training."""
    found = [_bins(name, rows[:, place]) for place, name in enumerate(NAMES) if name not in CALENDAR]
    return (*found, _bins(SCORE, likelihoods.astype(np.float32)))


def _bins(name: str, values: Row) -> FeatureBins:
    known = values[~np.isnan(values)]
    steps = np.arange(1, BINS) / BINS
    # Edges are values that occur, so that those of a count are whole and float32 finds them again exactly.
    edges = np.unique(np.quantile(known, steps, method="inverted_cdf")) if len(known) else np.zeros(1, np.float32)
    if len(edges) > 1 and edges[-1] == known.max():
        edges = edges[:-1]  # nothing lies above the largest value
    counts = np.bincount(_places(values[:, None], edges[None, :])[:, 0], minlength=len(edges) + 2)
    shares = counts / max(1, len(values))
    return FeatureBins(name=name, edges=tuple(edges.tolist()), shares=tuple(shares.round(6).tolist()))


def _places(values: Row, edges: Row) -> NDArray[np.intp]:
    """The bin of each value; `values` is states by features, `edges` features by edges, filled up with infinity."""
    above = (values[:, :, None] > edges[None, :, :]).sum(axis=2)
    return np.where(np.isnan(values), 0, above + 1)


def psi(expected: Numbers, actual: Numbers) -> Numbers:
    """Population stability index of shares along the last axis: the sum of (actual - expected) · ln(actual / expected).

    It is the symmetric Kullback-Leibler divergence of Jeffreys (1946), used for scorecards since Lewis, An Introduction to Credit Scoring
    (1994); Siddiqi, Credit Risk Scorecards (2006), reads below 0.1 as stable, up to 0.25 as worth a look, above as another population.
    """
    one, other = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    index: Numbers = ((other - one) * np.log(other / one)).sum(axis=-1)
    return index


def ks(expected: Numbers, actual: Numbers) -> Numbers:
    """Largest distance between two cumulated distributions, seen at the bins' edges: at most Kolmogorov and Smirnov's own."""
    one, other = (shares / np.maximum(shares.sum(axis=-1, keepdims=True), FLOOR) for shares in (expected, actual))
    distance: Numbers = np.abs(one.cumsum(axis=-1) - other.cumsum(axis=-1)).max(axis=-1)
    both_known = (expected.sum(axis=-1) > 0) & (actual.sum(axis=-1) > 0)
    return np.where(both_known, distance, 0.0)


class DriftMeter:
    """Counts live states into the bins of a training, over a sliding window."""

    def __init__(self, bins: Sequence[FeatureBins], window: timedelta) -> None:
        bins = [each for each in bins if each.name == SCORE or each.name in NAMES]
        self._names = [each.name for each in bins]
        # The score's column comes after those of the features.
        self._columns = [NAMES.index(name) if name in NAMES else len(NAMES) for name in self._names]
        most = max((len(each.edges) for each in bins), default=0)
        self._edges = np.full((len(bins), most), np.inf, dtype=np.float32)
        self._expected = np.zeros((len(bins), most + 2))
        for place, each in enumerate(bins):
            self._edges[place, : len(each.edges)] = each.edges
            self._expected[place, : len(each.shares)] = each.shares
        self._slot_s = window.total_seconds() / SLOTS
        self._slot = 0
        self._counts = np.zeros((SLOTS, *self._expected.shape), dtype=np.int64)
        self._starts = np.arange(len(bins)) * (most + 2)

    def observe(self, rows: Row, likelihoods: Sequence[float]) -> None:
        """Count states: rows made by `models.features.matrix` and their scores."""
        if not self._names or not len(rows):
            return
        step = -(-len(rows) // MAX_ROWS)
        told = np.asarray(likelihoods, dtype=np.float32)[::step, None]
        values = np.concatenate([rows[::step], told], axis=1)[:, self._columns]
        cells = _places(values, self._edges) + self._starts
        counts = np.bincount(cells.ravel(), minlength=self._expected.size)
        self._counts[self._slot % SLOTS] += counts.reshape(self._expected.shape)

    def turn(self, now: datetime) -> None:
        """Forget what is older than the window at `now`."""
        slot = int(now.timestamp() // self._slot_s)
        for passed in range(max(self._slot + 1, slot - SLOTS + 1), slot + 1):
            self._counts[passed % SLOTS] = 0
        self._slot = max(self._slot, slot)

    def drifts(self) -> list[Drift]:
        """Of every feature in the window; empty while it holds too few states to say."""
        counts = self._counts.sum(axis=0)
        if not self._names or counts[0].sum() < MIN_STATES:
            return []
        actual = counts / counts.sum(axis=1, keepdims=True)
        indices = psi(self._expected, actual).tolist()
        distances = ks(self._expected[:, 1:], actual[:, 1:]).tolist()
        return [Drift(*each) for each in zip(self._names, indices, distances, strict=True)]
