"""How far what a model sees now is from what it learnt from: PSI and KS of each feature and of the score.

Training keeps, of each feature, the edges of ten bins of about equal count and the share of examples in each; live states are
counted into the same bins. What is not known is a bin of its own. Who comes at night is not who comes in the evening: of a feature that follows
the time of day, training keeps the shares of each part of the day, and live states are measured against those of their own hours.
"""

import math
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
PARTS: Final = 8
"""Of the day, three hours each, by the session's first event."""
ENOUGH: Final = 1_000
"""Examples without which a part of the day has no shares of its own."""
COUNTED: Final = frozenset({*range(1, 7), 8, 10, 12, 18, 20, 24, *range(36, 61, 8), *range(80, 513, 24)})
"""Lengths of a session, in events, whose states are counted: those that every training takes, so that both sides have as many of each."""
FOLLOWS: Final = 0.02
"""A feature follows the time of day when the shares of a part are this far, in PSI, from those of the whole day."""


class FeatureBins(msgspec.Struct, frozen=True, kw_only=True):
    """What training saw of one feature, or of the score. `shares` has the share of the unknown first, then one for each bin.

    Bins end at the edges, edge included; the last has no end.
    """

    name: str
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    shares_by_part: tuple[tuple[float, ...], ...] = ()
    """The same for each part of the day. Empty for a feature that is alike at all hours, and in an older card."""


class Drift(msgspec.Struct, frozen=True):
    """How far one feature is from training. `ks` is of the known values; both are 0 for the same distribution."""

    name: str
    psi: float
    ks: float


def is_counted(rows: Row) -> NDArray[np.bool_]:
    """Which states are of a length that is counted, in training and live."""
    return np.isin(rows[:, NAMES.index("event_count")], list(COUNTED))


def bins_of(rows: Row, likelihoods: Numbers) -> tuple[FeatureBins, ...]:
    """The bins of every feature but the calendar's, and of the score, from the examples of a training."""
    parts = _parts_of_day(rows)
    found = [_bins(name, rows[:, place], parts) for place, name in enumerate(NAMES) if name not in CALENDAR]
    return (*found, _bins(SCORE, likelihoods.astype(np.float32), parts))


def _bins(name: str, values: Row, parts: NDArray[np.intp]) -> FeatureBins:
    known = values[~np.isnan(values)]
    steps = np.arange(1, BINS) / BINS
    # Edges are values that occur, so that those of a count are whole and float32 finds them again exactly.
    edges = np.unique(np.quantile(known, steps, method="inverted_cdf")) if len(known) else np.zeros(1, np.float32)
    if len(edges) > 1 and edges[-1] == known.max():
        edges = edges[:-1]  # nothing lies above the largest value
    places, width = _places(values[:, None], edges[None, :])[:, 0], len(edges) + 2

    def shares_of(chosen: NDArray[np.intp]) -> Numbers:
        return (np.bincount(chosen, minlength=width) / max(1, len(chosen))).round(6)

    shares = shares_of(places)
    by_part = [shares_of(places[parts == part]) if np.sum(parts == part) >= ENOUGH else shares for part in range(PARTS)]
    follows = psi(shares[None, :], np.array(by_part)).max() > FOLLOWS
    return FeatureBins(
        name=name,
        edges=tuple(edges.tolist()),
        shares=tuple(shares.tolist()),
        shares_by_part=tuple(tuple(each.tolist()) for each in by_part) if follows else (),
    )


def _parts_of_day(rows: Row) -> NDArray[np.intp]:
    angle = np.arctan2(rows[:, NAMES.index("hour_sin")], rows[:, NAMES.index("hour_cos")])
    # Half an hour more, so that rounding cannot move a whole hour into the part before.
    hours = np.nan_to_num(angle) / math.tau * 24 + 0.5
    return (np.mod(hours, 24) * PARTS / 24).astype(np.intp)


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
        self._expected = np.zeros((PARTS, len(bins), most + 2))
        for place, each in enumerate(bins):
            self._edges[place, : len(each.edges)] = each.edges
            self._expected[:, place, : len(each.shares)] = each.shares_by_part or each.shares
        self._slot_s = window.total_seconds() / SLOTS
        self._slot = 0
        self._counts = np.zeros((SLOTS, *self._expected.shape), dtype=np.int64)
        self._starts = np.arange(len(bins)) * (most + 2)
        self._waiting: list[tuple[Row, Row]] = []

    def observe(self, rows: Row, likelihoods: Sequence[float]) -> None:
        """Count states: rows made by `models.features.matrix` and their scores. Few at a time are counted together, later."""
        if not self._names or not len(rows):
            return
        step = -(-len(rows) // MAX_ROWS)
        self._waiting.append((rows[::step], np.asarray(likelihoods, dtype=np.float32)[::step, None]))
        if sum(len(each) for each, _ in self._waiting) >= MAX_ROWS:
            self._count()

    def _count(self) -> None:
        if not self._waiting:
            return
        rows, told = (np.concatenate(each) for each in zip(*self._waiting, strict=True))
        self._waiting.clear()
        places = _places(np.concatenate([rows, told], axis=1)[:, self._columns], self._edges) + self._starts
        cells = places + _parts_of_day(rows)[:, None] * self._expected[0].size
        counts = np.bincount(cells.ravel(), minlength=self._expected.size)
        self._counts[self._slot % SLOTS] += counts.reshape(self._expected.shape)

    def turn(self, now: datetime) -> None:
        """Forget what is older than the window at `now`."""
        self._count()
        slot = int(now.timestamp() // self._slot_s)
        for passed in range(max(self._slot + 1, slot - SLOTS + 1), slot + 1):
            self._counts[passed % SLOTS] = 0
        self._slot = max(self._slot, slot)

    def drifts(self) -> list[Drift]:
        """Of every feature in the window; empty while it holds too few states to say."""
        self._count()
        counts = self._counts.sum(axis=0)
        states = counts[:, :1].sum(axis=(1, 2))
        if not self._names or states.sum() < MIN_STATES:
            return []
        expected = np.tensordot(states / states.sum(), self._expected, axes=1)
        actual = counts.sum(axis=0) / states.sum()
        indices = psi(expected, actual).tolist()
        distances = ks(expected[:, 1:], actual[:, 1:]).tolist()
        return [Drift(*each) for each in zip(self._names, indices, distances, strict=True)]
