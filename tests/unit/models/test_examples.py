"""Examples: states before the end, labelled by what followed, made by the fold of the stream; no visitor on two sides."""

from datetime import timedelta

import msgspec

from contracts.events import Event
from models.examples import Example, Place, digest_of, examples_of, sides
from models.session_features import features_of
from models.visitor import Visitor
from tests.factories import DAY, event, features


def visit(*names: str, visitor_id: str = "ada", hour: int = 12) -> list[Event]:
    return [
        event(name, f"{hour}:{minute:02}", visitor_id=visitor_id, value=10.0, transaction_id=f"t{hour}")
        for minute, name in enumerate(names)
    ]


def example(number: int, day: int, visitor_id: str) -> Example:
    state = features(DAY + timedelta(days=day, minutes=number), visitor_id=visitor_id)
    return Example(state, False, visitor_id, state.started_at)


def test_every_state_before_the_purchase_buys_later_and_those_after_do_not() -> None:
    examples = list(examples_of(visit("page_view", "view_item", "add_to_cart", "purchase", "page_view")))
    assert [each.features.event_count for each in examples] == [1, 2, 3, 4, 5]
    assert [each.buys_later for each in examples] == [True, True, True, False, False]


def test_a_purchase_in_a_later_session_is_not_this_sessions() -> None:
    morning, evening = visit("page_view", hour=9), visit("page_view", "purchase", hour=19)
    examples = list(examples_of([*morning, *evening]))
    assert [each.buys_later for each in examples] == [False, True, False]
    assert examples[1].features.previous_session_count == 1


def test_a_bot_teaches_nothing_even_before_it_gave_itself_away() -> None:
    person, bot = visit("page_view", "view_item"), visit("page_view", "view_item", visitor_id="bot")
    bot[-1] = msgspec.structs.replace(bot[-1], bot_score=1.0)
    assert {each.visitor_id for each in examples_of([*person, *bot])} == {"ada"}


def test_a_bot_is_judged_where_a_log_has_it_and_told_apart() -> None:
    bot = [msgspec.structs.replace(each, bot_score=1.0) for each in visit("page_view", "view_item")]
    assert [each.is_bot for each in examples_of(bot, with_bots=True)] == [True, True]


def test_the_rest_of_a_visit_cut_at_midnight_is_not_counted_as_its_first_events() -> None:
    whole, rest = visit("page_view", "view_item"), visit("page_view", "purchase", visitor_id="bob")
    numbers = {each.message_id: number for each, number in zip([*whole, *rest], (1, 2, 7, 8), strict=True)}
    examples = examples_of([*whole, *rest], visit_of=lambda each: Place(each.visitor_id, numbers[each.message_id]))
    assert [(each.visitor_id, each.length) for each in examples] == [("ada", 1), ("ada", 2), ("bob", 7), ("bob", 8)]


def test_features_are_those_of_the_stream() -> None:
    events = visit("page_view", "view_item", "add_to_cart")
    visitor = Visitor("ada")
    live = [features_of(visitor, visitor.observe(each)[-1], each.message_id) for each in events]
    assert [each.features for each in examples_of(events)] == live


def test_a_long_session_gives_fewer_examples_the_longer_it_gets() -> None:
    counts = [each.features.event_count for each in examples_of(visit(*["view_item"] * 30))]
    assert counts == [*range(1, 13), 14, 16, 18, 20, 22, 24, 28]


def test_the_digest_is_of_features_and_labels_in_order() -> None:
    one, two = example(1, 0, "ada"), example(2, 0, "bob")
    assert digest_of([one, two]) == digest_of([one, two])
    assert digest_of([one, two]) != digest_of([two, one])
    assert digest_of([one]) != digest_of([Example(one.features, True, "ada", one.started_at)])
    unseen = msgspec.structs.replace(one.features, consent="granted", bot_score=0.1)
    assert digest_of([one]) == digest_of([Example(unseen, False, "ada", one.started_at)])


def test_later_visitors_are_further_right_and_nobody_is_on_two_sides() -> None:
    examples = [example(number, day, f"v{number}") for number in range(10) for day in (number, number + 3)]
    fit, calibrate, test = sides(examples, fit=0.6, calibrate=0.2)
    visitors = [{examples[place].visitor_id for place in side} for side in (fit, calibrate, test)]
    assert visitors[0] | visitors[1] | visitors[2] == {f"v{number}" for number in range(10)}
    assert sum(len(side) for side in visitors) == 10
    starts = [[examples[place].started_at for place in side] for side in (fit, calibrate, test)]
    assert max(starts[0]) < min(starts[1])
    assert max(starts[1]) < min(starts[2])


def test_a_later_session_of_an_early_visitor_is_left_out() -> None:
    examples = [*(example(number, number, f"v{number}") for number in range(10)), example(0, 9, "v0")]
    chosen = {int(place) for side in sides(examples, fit=0.6, calibrate=0.2) for place in side}
    assert chosen == set(range(10))
