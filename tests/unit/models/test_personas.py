"""Personas: nearest centre, average until something is known, history known at once."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.features import SessionFeatures
from models.personas import AVERAGE, PROTOTYPES, TRAITS, PersonaModel, PersonaScorer
from tests.factories import features

MODEL = PersonaModel(
    traits=tuple(trait.name for trait in TRAITS),
    mean=(0.2, 1.0, 1.5, 1.8, 5.0, 2.5, 1.5),
    scale=(0.4, 1.8, 0.8, 0.7, 1.2, 0.7, 1.8),
    centres=PROTOTYPES,
    spread=0.4,
)
SCORER = PersonaScorer(MODEL)


def thorough(**others: Any) -> SessionFeatures:
    values = {"event_count": 40, "page_count": 20, "product_view_count": 18, "cart_value": 0.0}
    return features("12:00", "12:25", **{**values, **others})


def test_a_thorough_visit_is_a_research_shopper() -> None:
    persona, confidence = SCORER.score(thorough())
    assert persona == "Research Shopper"
    assert confidence > 0.8


def test_who_bought_much_before_is_a_vip_whatever_the_visit() -> None:
    loyal: dict[str, Any] = {"previous_session_count": 6, "previous_purchase_count": 5, "previous_revenue": 600.0}
    assert SCORER.score(features(**loyal))[0] == "VIP Loyalist"
    assert SCORER.score(thorough(**loyal))[0] == "VIP Loyalist"


def test_a_fast_visit_with_a_full_cart_is_a_quick_buyer() -> None:
    session = features(
        "12:00", "12:01", event_count=10, page_count=5, product_view_count=3, cart_value=120.0, add_to_cart_count=2
    )
    assert SCORER.score(session)[0] == "Quick Buyer"


def test_after_a_purchase_the_basket_still_counts() -> None:
    before = features("12:00", "12:01", event_count=10, page_count=5, product_view_count=3, cart_value=120.0)
    after = features(
        "12:00", "12:01", event_count=10, page_count=5, product_view_count=3, revenue=120.0, purchase_count=1
    )
    assert SCORER.score(before) == SCORER.score(after)


def test_at_the_first_event_a_stranger_is_a_casual_visitor_and_nobody_is_sure() -> None:
    assert SCORER.score(features()) == ("Casual Visitor", 0.2)


def test_confidence_grows_with_events() -> None:
    confidences = [SCORER.score(thorough(event_count=count))[1] for count in (3, 5, 8)]
    assert confidences == sorted(confidences)


def test_what_is_not_known_counts_as_average() -> None:
    assert SCORER.score(thorough())[0] == "Research Shopper"
    assert SCORER.score(thorough(), known=frozenset({"previous_purchase_count"}))[0] == AVERAGE


@given(
    event_count=st.integers(1, 500),
    page_count=st.integers(0, 500),
    product_view_count=st.integers(0, 500),
    cart_value=st.floats(0, 1e14),
    previous_purchase_count=st.integers(0, 10_000),
    previous_revenue=st.floats(0, 1e12),
    time_on_site_s=st.floats(0, 1e9),
)
def test_confidence_is_between_a_guess_and_certainty(**fields: Any) -> None:
    persona, confidence = SCORER.score(features(**fields))
    assert persona in PROTOTYPES
    assert 0.2 <= confidence <= 1.0


def test_every_trait_reads_only_what_it_names() -> None:
    for trait in TRAITS:
        assert trait.meaning.endswith(".")
        assert set(trait.sources) <= set(SessionFeatures.__struct_fields__)
