"""What is known of a visitor in training: drawn once a visitor, and every case occurs."""

import numpy as np

from contracts.features import SessionFeatures
from models.features import NAMES
from models.knowledge import EARLIER_SYSTEM, KNOWLEDGE, known_mask

VISITORS = [f"v{number}" for number in range(4_000)]


def test_a_visitor_is_known_alike_in_every_example() -> None:
    mask = known_mask(["ada", "bob", "ada"], seed=1)
    assert (mask[0] == mask[2]).all()


def test_the_shares_are_kept() -> None:
    mask = known_mask(VISITORS, seed=1)
    everything = mask.all(axis=1).mean()
    five_numbers = (~mask[:, NAMES.index("event_count")]).mean()
    assert abs(everything - KNOWLEDGE[0][0]) < 0.03
    assert abs(five_numbers - KNOWLEDGE[-1][0]) < 0.03
    assert abs(sum(share for share, _ in KNOWLEDGE) - 1) < 1e-9


def test_another_seed_draws_anew() -> None:
    assert (known_mask(VISITORS, seed=1) != known_mask(VISITORS, seed=2)).any()


def test_the_earlier_system_knows_its_five_numbers_and_the_moment() -> None:
    assert set(SessionFeatures.__struct_fields__) >= EARLIER_SYSTEM
    only_those = known_mask(VISITORS, seed=1)
    five = only_those[~only_those[:, NAMES.index("event_count")]][0]
    known = set(np.array(NAMES)[five])
    assert {"time_on_site_s", "page_count", "cart_value", "previous_purchase_count", "is_mobile", "hour_sin"} <= known
    assert not known & {"add_to_cart_count", "checkout_step_count", "from_email", "seconds_per_event"}
