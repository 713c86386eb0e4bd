"""Simulated bots are recognised as such by the pipeline's own rules, and shoppers are not."""

from datetime import UTC, datetime, timedelta

from contracts.events import Event
from models.bots import is_bot
from models.session_features import features_of
from models.visitor import Visitor
from producers.ingest.accept import event_of
from producers.ingest.write_keys import HISTORY
from producers.shoppers.arrivals import BROWSERS
from producers.shoppers.behaviour import visits
from producers.shoppers.bots import bot_visit, is_bots_turn
from producers.shoppers.visit import Visit

START = datetime(2026, 3, 2, tzinfo=UTC)


def is_taken_for_a_bot(visit: Visit) -> bool:
    visitor = Visitor(visit.visitor_id)
    for item in visit.items():
        event = event_of(item, write_key=HISTORY, received_at=START + timedelta(hours=1))
        assert isinstance(event, Event)
        visitor.observe(event)
    return is_bot(features_of(visitor, visitor.sessions[-1], ""))


def test_every_bot_is_found_whether_it_says_what_it_is_or_not() -> None:
    bots = [bot_visit(number, seed=1, started_at=START) for number in range(40)]
    assert all(map(is_taken_for_a_bot, bots))
    browsers = {each.user_agent for kind in BROWSERS.values() for each in kind}
    pretends = [visit.acts[0].context["userAgent"] in browsers for visit in bots]
    assert 8 < sum(pretends) < 32


def test_no_shopper_is_taken_for_a_bot() -> None:
    shoppers = list(visits(400, seed=5, start=START, days=4))
    assert not [visit for visit in shoppers if is_taken_for_a_bot(visit)]


def test_the_same_seed_gives_the_same_bots_at_the_same_turns() -> None:
    assert bot_visit(3, seed=1, started_at=START) == bot_visit(3, seed=1, started_at=START)
    turns = [is_bots_turn(number, seed=1, share=0.1) for number in range(1_000)]
    assert turns == [is_bots_turn(number, seed=1, share=0.1) for number in range(1_000)]
    assert 60 < sum(turns) < 140
    assert not any(is_bots_turn(number, seed=1, share=0.0) for number in range(100))
