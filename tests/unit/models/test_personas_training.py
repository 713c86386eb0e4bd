"""Fitting personas: clusters keep their names, also when the data is turned around or new."""

from datetime import timedelta
from random import Random

import numpy as np
import pytest

from contracts.features import SessionFeatures
from models.personas import PROTOTYPES, PersonaScorer
from models.personas_training import fit_personas, named
from models.serving import Scorer
from tests.factories import at, features


def test_centres_keep_the_names_of_what_they_are_nearest_to() -> None:
    meanings = np.array(list(PROTOTYPES.values()))
    shuffled = np.random.default_rng(1).permutation(len(meanings))
    names = named(meanings[shuffled] + 0.1)
    assert [int(shuffled[names[name]]) for name in PROTOTYPES] == [0, 1, 2, 3, 4]


def test_each_name_is_given_once_even_when_two_centres_mean_the_same() -> None:
    centres = np.zeros((5, 7))
    assert sorted(named(centres).values()) == [0, 1, 2, 3, 4]


def crowd(seed: int) -> list[SessionFeatures]:
    """Visits of four kinds: of loyal customers, of researchers, of the quick, and of those who only glance."""
    random = Random(seed)
    visits = []
    for number in range(400):
        products, pause_s, cart, purchases = [(5, 20, 30, 5), (20, 40, 0, 0), (4, 5, 120, 0), (1, 12, 0, 0)][number % 4]
        events = 8 + random.randint(0, 2 * products)
        visits.append(
            features(
                "12:00",
                at("12:00") + timedelta(seconds=pause_s * events * random.uniform(0.7, 1.4)),
                event_count=events,
                page_count=products + random.randint(1, 3),
                product_view_count=products + random.randint(0, 2),
                cart_value=cart * random.uniform(0.5, 1.5),
                previous_purchase_count=purchases,
                previous_revenue=purchases * 50.0,
            )
        )
    return visits


def test_a_retraining_on_other_visitors_gives_each_name_a_centre_of_the_same_kind() -> None:
    for model in (fit_personas(crowd(1), seed=1), fit_personas(crowd(2), seed=2)):
        centres = {name: dict(zip(model.traits, centre, strict=True)) for name, centre in model.centres.items()}
        assert max(centres, key=lambda name: centres[name]["previous_purchases"]) == "VIP Loyalist"
        assert max(centres, key=lambda name: centres[name]["products"]) == "Research Shopper"
        assert max(centres, key=lambda name: centres[name]["basket"]) == "Quick Buyer"
        assert min(centres, key=lambda name: centres[name]["products"]) in ("Browser", "Casual Visitor")
        assert model.spread > 0


def test_visits_of_clear_kinds_are_apart_and_found_again_in_resamples() -> None:
    model = fit_personas(crowd(1), seed=1)
    assert model.silhouette is not None
    assert model.stability is not None
    assert model.silhouette > 0.4
    assert model.stability > 0.8


def test_visits_of_no_kind_have_no_clear_border(sessions: list[SessionFeatures]) -> None:
    model, clear = fit_personas(sessions, seed=1), fit_personas(crowd(1), seed=1)
    assert model.silhouette is not None
    assert clear.silhouette is not None
    assert model.silhouette < clear.silhouette


def test_the_same_visits_and_seed_give_the_same_model(sessions: list[SessionFeatures]) -> None:
    assert fit_personas(sessions, seed=3) == fit_personas(sessions, seed=3)


def test_short_visits_are_used_when_there_are_no_others(sessions: list[SessionFeatures]) -> None:
    short = [session for session in sessions if session.event_count < 8]
    assert len(fit_personas(short, seed=1).centres) == 5


def test_visits_that_are_all_alike_get_the_personas_that_ship() -> None:
    alike = [features("12:00", "12:09", event_count=9, page_count=9) for _ in range(200)]
    assert fit_personas(alike, seed=1) == Scorer.load().card.personas


# A resample without the odd visit has hardly more kinds than clusters.
@pytest.mark.filterwarnings("ignore:Number of distinct clusters:sklearn.exceptions.ConvergenceWarning")
def test_five_kinds_of_visit_without_any_width_can_be_told_apart() -> None:
    def visit(products: int, pages: int, seconds: float, cart: float, purchases: int) -> SessionFeatures:
        return features(
            "12:00",
            at("12:00") + timedelta(seconds=seconds),
            event_count=9,
            page_count=pages,
            product_view_count=products,
            cart_value=cart,
            previous_purchase_count=purchases,
            previous_revenue=purchases * 50.0,
        )

    loyal, odd = visit(5, 6, 300, 30, 5), visit(4, 5, 600.5, 0, 0)
    kinds = [loyal, visit(20, 25, 900, 0, 0), visit(4, 5, 60, 150, 0), visit(0, 1, 10, 0, 0), visit(4, 5, 600, 0, 0)]
    model = fit_personas([*kinds * 400, odd], seed=1)
    assert PersonaScorer(model).score(loyal) == ("VIP Loyalist", 1.0)
