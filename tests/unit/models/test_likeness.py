"""How alike items are by who touched them: visitors count, not events, and too few tell nothing."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.likeness import HALF_LIFE, NEIGHBOURS, Likeness, Touch, likeness_of
from tests.factories import at

NOON = at("12:00")


def visit(visitor_id: str, *item_ids: str, session_id: str = "", days_ago: float = 0) -> list[Touch]:
    """The items one after the other, a minute apart."""
    begin = NOON - timedelta(days=days_ago, minutes=len(item_ids))
    return [
        Touch(visitor_id, session_id or f"{visitor_id}-1", item_id, begin + timedelta(minutes=number))
        for number, item_id in enumerate(item_ids)
    ]


def visits(count: int, *item_ids: str, who: str = "v", days_ago: float = 0) -> list[Touch]:
    """The same visit by so many visitors."""
    return [touch for number in range(count) for touch in visit(f"{who}{number}", *item_ids, days_ago=days_ago)]


def likeness(*touches: list[Touch], min_visitors: int = 3) -> Likeness:
    return likeness_of([each for part in touches for each in part], NOON, min_visitors=min_visitors)


def neighbours(of: Likeness, item_id: str) -> list[str]:
    return [each for each, _ in of.neighbours_of(item_id)]


def test_items_that_the_same_visitors_touched_are_neighbours() -> None:
    shop = likeness(visits(5, "pot", "cup"), visits(5, "whisk", "bowl", who="w"))
    assert neighbours(shop, "pot") == ["cup"]
    assert neighbours(shop, "bowl") == ["whisk"]


def test_of_two_neighbours_the_one_that_more_visitors_touched_together_comes_first() -> None:
    shop = likeness(visits(6, "pot", "cup"), visits(3, "pot", "tray", who="w"), visits(3, "tray", who="x"))
    assert neighbours(shop, "pot") == ["cup", "tray"]


def test_what_everybody_touches_is_nobody_s_special_neighbour() -> None:
    shop = likeness(visits(5, "pot", "cosy"), visits(6, "pot", "mug", who="w"), visits(300, "mug", who="x"))
    assert neighbours(shop, "pot") == ["cosy", "mug"]


def test_items_close_together_in_a_visit_are_more_alike() -> None:
    shop = likeness(visits(4, "pot", "cup", "tray", "tin"))
    assert neighbours(shop, "pot") == ["cup", "tray", "tin"]


def test_older_visits_say_less() -> None:
    shop = likeness(visits(4, "pot", "cup", days_ago=60), visits(4, "pot", "tray", who="w"), visits(9, "cup", who="x"))
    assert neighbours(shop, "pot") == ["tray", "cup"]
    assert [item_id for item_id, _ in shop.popular] == ["cup", "pot", "tray"]


def test_after_a_half_life_a_visitor_is_half_as_many() -> None:
    shop = likeness(visits(3, "pot", days_ago=HALF_LIFE.days), visits(3, "cup", who="w"))
    shares = dict(shop.popular)
    assert shares["pot"] == pytest.approx(shares["cup"] / 2, rel=1e-3)


def test_an_item_of_too_few_visitors_is_told_to_nobody() -> None:
    shop = likeness(visits(3, "pot", "cup"), visits(2, "pot", "secret", who="w"))
    assert "secret" not in shop
    assert neighbours(shop, "pot") == ["cup"]


def test_a_pair_of_too_few_visitors_is_told_to_nobody_however_popular_its_items() -> None:
    shop = likeness(visits(9, "pot"), visits(9, "cup", who="w"), visits(2, "pot", "cup", who="x"))
    assert neighbours(shop, "pot") == []


def test_a_flood_from_one_visitor_is_worth_one_visit() -> None:
    shop = [visits(5, "pot", "cup"), visits(5, "pot", "tray", who="w"), visits(4, "tray", who="x")]
    once = likeness(*shop, visit("eve", "pot", "tray"))
    flood = [
        touch
        for number in range(500)
        for touch in [*visit("eve", "pot", "tray", session_id=f"eve-{number}"), *visit("eve", f"fake-{number}", "pot")]
    ]
    flooded = likeness(*shop, flood)
    assert flooded.popular == once.popular
    for item_id in once.item_ids:
        assert list(flooded.neighbours_of(item_id)) == list(once.neighbours_of(item_id))


def test_what_one_visitor_invents_between_two_items_does_not_push_them_apart() -> None:
    plain = likeness(visits(4, "pot", "cup"))
    torn = likeness(*(visit(f"v{number}", "pot", f"odd-{number}", "cup") for number in range(4)))
    assert torn.likes.tolist() == pytest.approx(plain.likes.tolist(), rel=1e-3)


def test_an_item_keeps_only_its_nearest_neighbours() -> None:
    pairs = [visits(3, "pot", f"cup-{number:03}", who=f"v{number}-") for number in range(NEIGHBOURS + 20)]
    assert len(neighbours(likeness(*pairs), "pot")) == NEIGHBOURS


def test_a_shop_without_visitors_has_no_items() -> None:
    assert len(likeness()) == 0
    assert likeness().popular == ()


TOUCHES = st.lists(
    st.builds(
        lambda visitor, number, item, minute: Touch(
            f"v{visitor}", f"v{visitor}-{number}", f"i{item}", NOON - timedelta(minutes=minute)
        ),
        st.integers(0, 6),
        st.integers(0, 2),
        st.integers(0, 8),
        st.integers(-60, 100_000),
    ),
    max_size=120,
)


@given(TOUCHES, st.randoms(use_true_random=False), st.integers(1, 4))
def test_whatever_order_touches_come_in_the_same_is_told_and_it_is_from_0_to_1(
    touches: list[Touch], random: Random, min_visitors: int
) -> None:
    shuffled = [*touches, *touches[:5]]
    random.shuffle(shuffled)
    told, again = (likeness_of(each, NOON, min_visitors=min_visitors) for each in (touches, shuffled))
    assert told.popular == again.popular
    assert all(0 < share <= 1 for _, share in told.popular)
    for item_id in told.item_ids:
        found = list(told.neighbours_of(item_id))
        assert found == list(again.neighbours_of(item_id))
        assert all(0 < like <= 1 + 1e-12 for _, like in found)
        assert item_id not in dict(found)


@given(TOUCHES, st.integers(1, 4))
def test_nothing_is_told_of_what_fewer_visitors_touched(touches: list[Touch], min_visitors: int) -> None:
    told = likeness_of(touches, NOON, min_visitors=min_visitors)
    visitors: dict[str, set[str]] = {}
    for touch in touches:
        visitors.setdefault(touch.item_id, set()).add(touch.visitor_id)
    assert set(told.item_ids) == {item_id for item_id, who in visitors.items() if len(who) >= min_visitors}
    for item_id in told.item_ids:
        for neighbour in neighbours(told, item_id):
            assert len(visitors[item_id] & visitors[neighbour]) >= min_visitors
