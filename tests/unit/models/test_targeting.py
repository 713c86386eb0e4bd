"""To whom an offer is worth making: a planted condition is found, luck is not taken for one, and what is found is what a policy takes."""

import tomllib
from typing import Any

import msgspec
import numpy as np
import pytest

from contracts.features import SessionFeatures
from models.policy import Bounds, Policy
from models.serving import Scores
from models.targeting import Targeting, When, targeting_of, toml_of
from models.uplift import PARTS, Trial
from tests.factories import features

PERSONAS = ("Browser", "Quick Buyer", "VIP Loyalist")


def trial_of(visitors: int, seed: int, effect: Any, *, cost: float = 0.0, unknown_share: float = 0.0) -> Trial:
    """Two of ten buy for 50; `effect(likelihood, persona)` is added to that rate where the offer is made, and each buyer then costs `cost`."""
    chance = np.random.default_rng(seed)
    is_treated = chance.random(visitors) < 0.7
    likelihood = chance.random(visitors).round(3)
    persona = chance.choice(PERSONAS, visitors)
    has_bought = chance.random(visitors) < 0.2 + effect(likelihood, persona) * is_treated
    likelihood[chance.random(visitors) < unknown_share] = np.nan
    return Trial(
        is_treated=is_treated,
        has_bought=has_bought,
        worth=has_bought * (50.0 - cost * is_treated),
        part=chance.integers(0, PARTS, visitors),
        numbers={"likelihood": likelihood, "event_count": chance.integers(3, 40, visitors).astype(np.float64)},
        texts={"persona": persona, "device_type": chance.choice(["desktop", "mobile"], visitors)},
    )


def found(trial: Trial) -> Targeting:
    told = targeting_of(trial)
    assert told is not None
    return told


def bounds_of(when: When) -> tuple[Any, Any]:
    """Of a condition on the likelihood alone."""
    (bounds,) = when.values()
    assert isinstance(bounds, Bounds)
    return bounds.at_least, bounds.below


def test_a_planted_condition_is_found_with_what_it_brings() -> None:
    """It moves the unlikely, by ten points, and costs 10 of each order: for all others only that."""
    told = found(trial_of(20_000, 1, lambda likelihood, _: 0.1 * (likelihood < 0.375), cost=10.0))
    truth = 0.625 * 0.2 * 10.0  # what is saved on those whom it does not move
    assert told.when is not None
    assert told.when.keys() == {"likelihood"}
    assert bounds_of(told.when) == (None, pytest.approx(0.375, abs=0.06))
    assert told.gained.low <= truth <= told.gained.high
    assert told.is_shown
    assert told.kept_share == pytest.approx(0.375, abs=0.06)


def test_two_bounds_of_one_number_are_one_line() -> None:
    told = found(
        trial_of(20_000, 2, lambda likelihood, _: 0.15 * ((likelihood >= 0.25) & (likelihood < 0.625)), cost=10.0)
    )
    assert told.when is not None
    assert bounds_of(told.when) == (pytest.approx(0.25, abs=0.03), pytest.approx(0.625, abs=0.03))


def test_whom_it_harms_is_left_out_by_name() -> None:
    told = found(trial_of(20_000, 3, lambda _, persona: np.where(persona == "VIP Loyalist", -0.15, 0.1)))
    assert told.when == {"persona": ["Browser", "Quick Buyer"]}
    assert told.is_shown


def test_what_harms_everybody_is_recommended_to_nobody() -> None:
    told = [found(trial_of(5_000, seed, lambda *_: -0.1)) for seed in range(20, 26)]
    assert not any(each.is_shown for each in told)
    assert all(each.gained.low > 0 for each in told)


def test_what_helps_everybody_is_offered_to_everybody() -> None:
    told = found(trial_of(20_000, 5, lambda *_: 0.15))
    assert (told.when, told.kept_share) == ({}, 1.0)
    assert told.gained.mean == 0
    assert not told.is_shown


def test_luck_is_not_taken_for_a_condition() -> None:
    """The best of some three thousand pairs looks good on those it was found by, always; the others must not be taken in."""
    trials = [found(trial_of(2_000, seed, lambda *_: 0.05, cost=6.0)) for seed in range(100, 120)]
    assert sum(bool(each.when) for each in trials) > 10
    assert sum(each.is_shown for each in trials) <= 3  # one of forty, by chance


def test_of_no_effect_at_all_the_intervals_hold_none() -> None:
    told = [found(trial_of(1_000, seed, lambda *_: 0.0)) for seed in range(200, 280)]
    strayed = [each.worth.is_off_zero for each in told] + [each.gained.is_off_zero for each in told]
    assert sum(strayed) <= 12  # of 160, a twentieth is 8


def test_it_is_the_same_however_many_visitors_are_looked_at_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = trial_of(3_000, 9, lambda likelihood, _: 0.2 * (likelihood < 0.5), cost=10.0)
    together = found(trial)
    monkeypatch.setattr("models.targeting.AT_ONCE", 700)
    apart = found(trial)
    assert (apart.when, apart.kept_share) == (together.when, together.kept_share)
    assert apart.gained == pytest.approx(together.gained)


def test_too_few_buyers_tell_nothing() -> None:
    assert targeting_of(trial_of(150, 6, lambda *_: 0.0)) is None


def test_who_is_not_known_is_on_neither_side() -> None:
    told = found(trial_of(20_000, 7, lambda likelihood, _: 0.15 * (likelihood < 0.5), cost=10.0, unknown_share=0.3))
    assert told.when is not None
    assert told.when.keys() == {"likelihood"}
    assert told.kept_share == pytest.approx(0.35, abs=0.05)


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ({}, "{}"),
        ({"likelihood": Bounds(below=0.31)}, "{ likelihood = { below = 0.31 } }"),
        (
            {"event_count": Bounds(at_least=3, below=12), "persona": ["Browser", "Quick Buyer"]},
            '{ event_count = { at_least = 3, below = 12 }, persona = ["Browser", "Quick Buyer"] }',
        ),
        ({"likelihood": Bounds(at_least=0, below=1e-05)}, "{ likelihood = { at_least = 0, below = 1e-05 } }"),
        ({"zip_code": ['12" \\ é']}, '{ zip_code = ["12\\" \\\\ é"] }'),
    ],
)
def test_a_condition_is_told_as_a_policy_takes_it(when: When, text: str) -> None:
    assert toml_of(when) == text
    assert msgspec.convert(tomllib.loads(f"when = {text}")["when"], dict[str, Bounds | list[str]]) == when


def test_what_is_found_holds_in_the_policy_for_whom_it_held_in_the_trial() -> None:
    trial = trial_of(
        5_000, 8, lambda likelihood, persona: 0.2 * ((likelihood < 0.5) & (persona == "Browser")), cost=10.0
    )
    told = found(trial)
    assert told.when
    policy = Policy.of_text(
        f"""
        name = "narrowed"
        holdout = {{ share = 0.1, salt = "s" }}
        [[rule]]
        name = "narrow"
        action = "urgency"
        message = "Today only."
        because = "it moves these"
        when = {toml_of(told.when)}
        """
    )
    fits = [policy.rule_for(*moment(trial, place)) is not None for place in range(len(trial))]
    assert sum(fits) / len(fits) == told.kept_share


def moment(trial: Trial, place: int) -> tuple[SessionFeatures, Scores]:
    session = features(
        event_count=int(trial.numbers["event_count"][place]), device_type=str(trial.texts["device_type"][place])
    )
    scores = Scores(
        likelihood=float(trial.numbers["likelihood"][place]),
        persona=str(trial.texts["persona"][place]),  # type: ignore[arg-type]  # one of its words
        persona_confidence=1.0,
        style="Explorer",
        style_confidence=1.0,
        because=(),
        model_version="m",
    )
    return session, scores
