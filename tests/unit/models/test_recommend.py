"""What one shopper is told: what goes with their own items, never what they know already."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.likeness import Likeness, Touch, likeness_of
from models.recommend import Act, Recommendation, Shopper, recommendation, shopper_of
from tests.factories import at
from tests.unit.models.test_likeness import NOON, TOUCHES, likeness, visits

SHOP = likeness(
    visits(6, "pot", "cup"),
    visits(4, "pot", "tray", who="w"),
    visits(5, "whisk", "bowl", who="x"),
    visits(9, "mug", who="y"),
)


def act(event_name: str, item_id: str, clock: str = "11:59", *, days_ago: int = 0, quantity: float = 1) -> Act:
    return Act(item_id, event_name, at(clock) - timedelta(days=days_ago), quantity)


def told(*acts: Act, shop: Likeness = SHOP, limit: int = 8, page: str | None = None) -> Recommendation:
    return recommendation(shop, shopper_of(acts, NOON, page), limit)


def items(answer: Recommendation) -> list[str]:
    return [each.item_id for each in answer.items]


def test_who_looked_at_a_pot_is_told_what_others_looked_at_with_it_and_why() -> None:
    answer = told(act("view_item", "pot"))
    assert answer.basis == "items"
    assert items(answer) == ["cup", "tray"]
    assert {each.because for each in answer.items} == {"pot"}


def test_what_was_looked_at_last_says_most() -> None:
    answer = told(act("view_item", "pot", "11:00"), act("view_item", "whisk", "11:30"))
    assert items(answer)[0] == "bowl"
    assert {each.item_id: each.because for each in answer.items} == {"bowl": "whisk", "cup": "pot", "tray": "pot"}


def test_looking_again_makes_an_item_the_last_one() -> None:
    answer = told(
        act("view_item", "pot", "11:00"), act("view_item", "whisk", "11:30"), act("view_item", "pot", "11:40")
    )
    assert items(answer)[0] == "cup"


def test_who_has_done_nothing_is_told_what_is_popular() -> None:
    answer = told(limit=2)
    assert answer.basis == "popular"
    assert items(answer) == ["pot", "mug"]
    assert [each.because for each in answer.items] == [None, None]


def test_who_looked_only_at_what_nobody_else_did_is_told_what_is_popular() -> None:
    assert told(act("view_item", "odd")).basis == "popular"


def test_items_that_nobody_else_touched_do_not_silence_the_others() -> None:
    odd = [act("view_item", f"odd-{number}", f"11:{number:02}") for number in range(20)]
    assert items(told(act("view_item", "pot", "10:00"), *odd)) == ["cup", "tray"]


def test_what_is_in_the_cart_since_days_is_left_out_and_what_was_taken_out_may_come_again() -> None:
    seen = act("view_item", "pot")
    in_cart = act("add_to_cart", "cup", days_ago=5)
    assert items(told(in_cart, seen)) == ["tray"]
    assert "cup" in items(told(in_cart, act("remove_from_cart", "cup", days_ago=4), seen))


def test_one_of_two_taken_out_of_the_cart_leaves_one_in_it() -> None:
    two = act("add_to_cart", "cup", days_ago=5, quantity=2)
    out = [act("remove_from_cart", "cup", days_ago=days) for days in (4, 3)]
    assert "cup" in shopper_of([two, out[0]], NOON).left_out
    assert "cup" not in shopper_of([two, *out], NOON).left_out


def test_what_was_bought_in_this_visit_is_left_out_and_what_was_bought_last_week_may_come_again() -> None:
    seen = act("view_item", "pot")
    assert "cup" not in items(told(seen, act("add_to_cart", "cup", "11:00"), act("purchase", "cup", "11:10")))
    assert "cup" in items(told(seen, act("add_to_cart", "cup", days_ago=7), act("purchase", "cup", days_ago=6)))


def test_the_item_on_the_page_counts_before_its_view_is_stored_and_is_never_told() -> None:
    answer = told(act("view_item", "whisk"), page="pot")
    assert items(answer)[0] == "cup"
    assert "pot" not in items(answer)
    assert items(told(page="mug"))[0] == "pot", "the popular ones without it"


def test_a_shop_of_which_too_little_is_known_says_so() -> None:
    assert told(act("view_item", "pot"), shop=likeness()) == Recommendation("none")


ACTS = st.lists(
    st.builds(
        lambda item, name, minute: Act(f"i{item}", name, NOON - timedelta(minutes=minute)),
        st.integers(0, 10),
        st.sampled_from(["view_item", "add_to_cart", "remove_from_cart", "purchase"]),
        st.integers(-60, 5_000),
    ),
    max_size=30,
)


@given(TOUCHES, ACTS, st.integers(1, 12), st.none() | st.sampled_from(["i1", "elsewhere"]))
def test_nobody_is_told_what_they_know_nor_more_than_they_asked_for(
    touches: list[Touch], acts: list[Act], limit: int, page: str | None
) -> None:
    shop = likeness_of(touches, NOON, min_visitors=1)
    shopper = shopper_of(acts, NOON, page)
    answer = recommendation(shop, shopper, limit)
    assert len(answer.items) <= limit
    assert len(set(items(answer))) == len(answer.items)
    assert not set(items(answer)) & shopper.left_out
    assert (answer.basis == "none") == (not answer.items)
    assert [each.score for each in answer.items] == sorted((each.score for each in answer.items), reverse=True)
    for each in answer.items:
        assert 0 < each.score <= 1 + 1e-9
        assert (each.because in shopper.latest) == (answer.basis == "items")
    assert answer == recommendation(shop, shopper_of(acts[::-1], NOON, page), limit)


def test_a_shopper_knows_what_was_touched_within_a_day() -> None:
    shopper = shopper_of([act("view_item", "cup", days_ago=2), act("view_item", "pot", "11:00")], NOON)
    assert shopper == Shopper(latest=("pot", "cup"), left_out=frozenset({"pot"}))
