"""To whom an offer is worth making: the trial of one in, the condition that would bring the most out, with what it brought to
visitors it was not learnt from. Pure.

A condition is what a policy's rule takes (`when`): one line or two that must both hold. All are tried, so what is found is the best there
is, and not to be believed from the visitors it was found by: each part of them is judged by the condition that the others give.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.metrics import Numbers
from models.policy import Bounds
from models.uplift import ENOUGH_BUYERS, PARTS, Interval, Trial, gains_of

When = Mapping[str, Bounds | list[str]]
"""The lines of a rule's `when`; none is everybody."""
NOBODY: Final = None
LEAST: Final = 50
"""Visitors of each arm among whom a condition must hold."""
CUTS: Final = 8
"""A number is cut at these quantiles."""
WIDER: Final = 1.3
"""The parts are judged by conditions that were learnt from mostly the same visitors, so what they bring strays together. Intervals that
took them for independent held the truth in 81 to 91 of 100 simulated trials; so much wider, in 90 to 98."""
AT_ONCE: Final = 50_000
"""Visitors in one product of matrices: of all at once a million would take gigabytes."""

Mask = NDArray[np.bool_]


class Targeting(NamedTuple):
    """A condition, and what offering by conditions found in this way brings, judged on visitors that had no say in them."""

    when: When | None
    """The one that all visitors together give; `NOBODY` when no condition brings anything."""
    kept_share: float
    """Of the visitors, for whom it holds."""
    worth: Interval
    """A visitor, whether the condition holds or not."""
    gained: Interval
    """The same, beside offering it to everybody."""

    @property
    def is_shown(self) -> bool:
        """Whether the condition pays, and more than offering it to everybody does: beyond what luck gives, both."""
        return bool(self.when) and self.worth.low > 0 and self.gained.low > 0


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    value: Bounds | list[str]
    mask: Mask


def targeting_of(trial: Trial) -> Targeting | None:
    """The best condition and what it is worth; None where too few bought to tell."""
    for arm in (trial.is_treated, ~trial.is_treated):
        if trial.has_bought[arm].sum() < ENOUGH_BUYERS or arm.sum() < 2 * LEAST:
            return None
    gains, lines = gains_of(trial), list(_lines(trial))
    is_pair = _pairs(lines)
    by_part = [_sums(lines, gains, trial, trial.part == part) for part in range(PARTS)]
    everybody = np.sum(by_part, axis=0)
    brought = np.zeros(len(trial))
    for part, sums in enumerate(by_part):
        pair = _best(lines, is_pair, everybody - sums)
        if pair is not NOBODY:
            holds = (trial.part == part) & pair[0].mask & pair[1].mask
            brought[holds] = gains[holds]
    best = _best(lines, is_pair, everybody)
    return Targeting(
        when=NOBODY if best is NOBODY else _together(*best),
        kept_share=0.0 if best is NOBODY else float((best[0].mask & best[1].mask).mean()),
        worth=_interval(brought),
        gained=_interval(brought - gains),
    )


def toml_of(when: When) -> str:
    """The conditions as they stand in a policy file."""

    def value(of: Bounds | list[str]) -> str:
        if isinstance(of, list):
            return "[" + ", ".join(json.dumps(word, ensure_ascii=False) for word in of) + "]"
        bounds = [f"{name} = {bound:g}" for name in ("at_least", "below") if (bound := getattr(of, name)) is not None]
        return "{ " + ", ".join(bounds) + " }"

    return "{ " + ", ".join(f"{name} = {value(of)}" for name, of in when.items()) + " }" if when else "{}"


def _interval(gains: Numbers) -> Interval:
    return Interval.of(float(gains.mean()), WIDER * float(gains.std(ddof=1)) / math.sqrt(len(gains)))


def _lines(trial: Trial) -> Iterator[_Line]:
    """Every line that a condition may have, the one that always holds first."""
    yield _Line("", [], np.ones(len(trial), dtype=np.bool_))
    for name, values in trial.numbers.items():
        known = values[~np.isnan(values)]
        if not len(known):
            continue
        for cut in np.unique(_rounded(np.quantile(known, np.arange(1, CUTS) / CUTS))).tolist():
            yield _Line(name, Bounds(at_least=cut), values >= cut)  # what is not known is on neither side
            yield _Line(name, Bounds(below=cut), values < cut)
    for name, texts in trial.texts.items():
        words = np.unique(texts).tolist()
        for word in words:
            mask = texts == word
            yield _Line(name, [word], mask)
            if len(words) > 2:
                yield _Line(name, [other for other in words if other != word], ~mask)


def _sums(lines: list[_Line], gains: Numbers, trial: Trial, among: Mask) -> Numbers:
    """For each pair of lines, over the visitors for whom both hold: gains, how many are treated, and how many held out. Shape (3, lines, lines).

    For all pairs at once: a pair's sum is an element of a product of matrices.
    """
    sums = np.zeros((3, len(lines), len(lines)))
    places = np.flatnonzero(among)
    for start in range(0, len(places), AT_ONCE):
        some = places[start : start + AT_ONCE]
        masks = np.array([line.mask[some] for line in lines], dtype=np.float64)
        treated = trial.is_treated[some]
        sums += [(masks * gains[some]) @ masks.T, (masks * treated) @ masks.T, (masks * ~treated) @ masks.T]
    return sums


def _best(lines: list[_Line], is_pair: Mask, sums: Numbers) -> tuple[_Line, _Line] | None:
    """The two lines that together bring the most; `NOBODY` when none of them brings anything."""
    gains, treated, held_out = sums
    brings = np.where(is_pair & (treated >= LEAST) & (held_out >= LEAST), gains, -np.inf)
    first, second = divmod(int(brings.argmax()), len(lines))
    return (lines[first], lines[second]) if brings[first, second] > 0 else NOBODY


def _pairs(lines: list[_Line]) -> Mask:
    """Which two lines one `when` may have: of two names, or twice the same, or the two bounds of one number."""
    return np.array(
        [[line.name != that.name or line is that or _are_bounds(line, that) for that in lines] for line in lines]
    )


def _are_bounds(line: _Line, that: _Line) -> bool:
    """Whether they bound one number from both sides."""
    if isinstance(line.value, list) or isinstance(that.value, list):
        return False
    return (line.value.at_least is None) != (that.value.at_least is None)


def _together(line: _Line, that: _Line) -> When:
    when: dict[str, Bounds | list[str]] = {}
    for each in sorted((line, that), key=lambda of: of.name):
        if not each.name:
            continue
        before = when.get(each.name)
        if isinstance(before, Bounds) and isinstance(each.value, Bounds) and before != each.value:
            at_least = before.at_least if each.value.at_least is None else each.value.at_least
            below = before.below if each.value.below is None else each.value.below
            when[each.name] = Bounds(at_least=at_least, below=below)
        else:
            when[each.name] = each.value
    return when


def _rounded(cuts: Numbers) -> Numbers:
    """To three figures: a bound is read by people."""
    return np.array([float(f"{cut:.3g}") for cut in cuts])
