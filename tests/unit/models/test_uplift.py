"""What an incentive is worth: the interval holds the truth, noise is taken out and no mean changed, and the visitors needed are the textbook's."""

from typing import Any

import numpy as np
import pytest

from models.holdout import Arms
from models.uplift import PARTS, Trial, effect_of, gains_of, visitors_needed


def trial_of(visitors: int, seed: int, *, effect: float = 0.0, cost: float = 0.0, share: float = 0.8) -> Trial:
    """Every second visitor buys in three of ten cases, the others in one; orders are of some 40 each. `effect` is added to both rates."""
    chance = np.random.default_rng(seed)
    is_treated = chance.random(visitors) < share
    is_keen = chance.random(visitors) < 0.5
    has_bought = chance.random(visitors) < np.where(is_keen, 0.3, 0.1) + effect * is_treated
    return Trial(
        is_treated=is_treated,
        has_bought=has_bought,
        worth=has_bought * (chance.gamma(2.0, 20.0, visitors) - cost * is_treated),
        part=chance.integers(0, PARTS, visitors),
        numbers={
            "likelihood": np.where(is_keen, 0.3, 0.1),
            "event_count": chance.integers(3, 30, visitors).astype(np.float64),
        },
        texts={"persona": np.where(is_keen, "VIP Loyalist", "Browser")},
    )


def test_the_interval_of_what_an_incentive_is_worth_holds_the_truth_19_times_of_20() -> None:
    truth = 0.05 * (40 - 5) - 0.2 * 5  # more orders, and five off each
    worths = [effect_of(trial_of(2_000, seed, effect=0.05, cost=5.0)).worth for seed in range(400)]
    held = sum(worth is not None and worth.low <= truth <= worth.high for worth in worths)
    assert 368 <= held <= 392  # 380 ± 2.8 standard deviations


def test_a_small_holdout_without_the_large_orders_is_not_taken_for_an_incentive_that_pays() -> None:
    """Nothing was changed; orders differ a few hundredfold, and a tenth is held out. By chance alone one of forty would pay."""
    chance = np.random.default_rng(7)
    pays = 0
    for _ in range(400):
        is_treated, has_bought = chance.random(1_000) < 0.9, chance.random(1_000) < 0.5
        worth = has_bought * chance.lognormal(3.0, 1.5, 1_000)
        effect = effect_of(Trial(is_treated, has_bought, worth, np.zeros(1_000, dtype=np.intp), {}, {})).worth
        assert effect is not None
        pays += effect.low > 0
    assert pays <= 16


def test_buyers_of_both_arms_are_counted_as_the_holdout_counts_them() -> None:
    trial = trial_of(1_000, 1)
    told = effect_of(trial).arms
    assert told.treated + told.held_out == 1_000
    assert told.treated_buyers == int((trial.has_bought & trial.is_treated).sum())
    assert told.held_out_buyers == int((trial.has_bought & ~trial.is_treated).sum())


@pytest.mark.parametrize("visitors", [0, 1, 60])
def test_of_few_buyers_no_worth_is_told(visitors: int) -> None:
    assert effect_of(trial_of(visitors, 2)).worth is None


def test_gains_have_the_effect_as_their_mean_with_less_noise_than_without_what_is_known() -> None:
    known = trial_of(20_000, 3, effect=0.05)
    unknown = Trial(known.is_treated, known.has_bought, known.worth, known.part, {}, {})
    gains, without = gains_of(known), gains_of(unknown)
    error = without.std() / np.sqrt(len(without))
    assert abs(gains.mean() - 0.05 * 40) < 3 * error
    assert abs(gains.mean() - without.mean()) < error
    assert gains.std() < without.std()


def test_gains_of_a_part_have_no_say_from_that_part() -> None:
    """Whatever one visitor brings, what was to be expected of the others in the same part stays."""
    trial = trial_of(5_000, 4)
    (one, other), *_ = np.argwhere(trial.part == 0).reshape(-1, 2)[:1]
    worth = trial.worth.copy()
    worth[one] += 1e6
    changed = Trial(trial.is_treated, trial.has_bought, worth, trial.part, trial.numbers, trial.texts)
    assert gains_of(changed)[other] == gains_of(trial)[other]


@pytest.mark.parametrize(
    ("arms", "needed"),
    [
        (Arms(500, 50, 500, 50), 29_494),  # 10 % to 11 %: 7.849 × (0.1 × 0.9 + 0.11 × 0.89) / 0.01² each
        (Arms(900, 90, 100, 10), 79_178),  # the same, and only a tenth held out
        (Arms(500, 50, 500, 0), None),
        (Arms(0, 0, 500, 50), None),
    ],
)
def test_visitors_needed_are_the_textbook_s(arms: Arms, needed: int | None) -> None:
    told: Any = visitors_needed(arms)
    assert told == needed if needed is None else told == pytest.approx(needed, rel=0.001)


def test_so_many_visitors_show_a_lift_of_a_tenth_in_four_of_five_trials() -> None:
    chance = np.random.default_rng(5)
    needed = visitors_needed(Arms(800, 160, 200, 40))
    assert needed is not None
    treated, held_out = int(needed * 0.8), needed - int(needed * 0.8)
    trials = [
        Arms(treated, chance.binomial(treated, 0.22), held_out, chance.binomial(held_out, 0.2)) for _ in range(1_000)
    ]
    shown = sum((interval := each.interval()) is not None and interval[0] > 0 for each in trials)
    assert 750 <= shown <= 850
