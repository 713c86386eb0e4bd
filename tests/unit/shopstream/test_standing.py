"""A moment of a session is found in its visitor's stored events, and told beside what was decided then."""

from typing import Any

import msgspec
import pytest

from contracts.codec import ENCODER
from models.explanation import Explanation, explanation
from models.policy import Policy
from models.refold import refold
from models.serving import Scorer
from shopstream.failures import CommandFailed
from shopstream.standing import beside, events_until
from tests.factories import event

VISIT = [
    event("page_view", "08:00", message_id="before"),
    event("page_view", "12:00", message_id="first"),
    event("view_item", "12:01", message_id="second"),
]


def stored(session_ids: list[str | None]) -> list[dict[str, Any]]:
    """The visit as rows of `story_of_visitor.sql`."""
    names = ("message_id", "write_key", "visitor_id", "user_id", "event_name", "occurred_at", "received_at")
    return [
        {
            **{name: getattr(each, name) for name in names},
            "properties": ENCODER.encode(each.properties).decode(),
            "context": ENCODER.encode(each.context).decode(),
            "consent": each.consent,
            "privacy_signals": list(each.privacy_signals),
            "bot_score": each.bot_score,
            "session_id": session_id,
        }
        for each, session_id in zip(VISIT, session_ids, strict=True)
    ]


@pytest.fixture(scope="module")
def told() -> Explanation:
    (*_, session_id) = refold("ada", VISIT).newest
    found = explanation(session_id, VISIT, Scorer.load(), Policy.load())
    assert found is not None
    return found


def decided(told: Explanation, **others: Any) -> dict[str, Any]:
    row = {**msgspec.structs.asdict(told.decision), "incentive_type": None}
    return {**row, **others}


def test_earlier_sessions_come_with_the_moment_and_later_events_do_not() -> None:
    events, count = events_until(stored(["s0", "s1", "s1"]), "s1", 1)
    assert [each.message_id for each in events] == ["before", "first"]
    assert count == 2


@pytest.mark.parametrize("at", [0, 3])
def test_a_moment_that_never_was_is_said_with_those_that_were(at: int) -> None:
    with pytest.raises(CommandFailed, match="has 2 events; --at takes 1 to 2"):
        events_until(stored(["s0", "s1", "s1"]), "s1", at)


def test_a_session_whose_events_are_gone_is_said() -> None:
    with pytest.raises(CommandFailed, match="no event of session s1"):
        events_until(stored(["s0", None, None]), "s1", 1)


def test_the_same_decision_needs_one_line(told: Explanation) -> None:
    (line,) = beside(told, decided(told), Policy.load())
    assert line.startswith(f"recorded then, by model {told.scores.model_version} with policy ")
    assert f"{told.scores.likelihood:.0%}, {told.scores.persona}, no incentive" in line


def test_an_offer_that_was_held_out_is_told_so(told: Explanation) -> None:
    (line,) = beside(
        told, decided(told, incentive_type="free_shipping", is_offered=False, arm="holdout"), Policy.load()
    )
    assert "free shipping (not shown: holdout)" in line


def test_a_rule_that_could_not_be_paid_for_then_is_named(told: Explanation) -> None:
    spent = "no discount: the budget `discounts` is spent for today"
    because = ["+ cart worth 25.00", spent, "tutorial: looks around thoroughly and has not chosen"]
    _, passed_over = beside(told, decided(told, incentive_type="tutorial", because=because), Policy.load())
    assert passed_over == f"passed over then: {spent}"


def test_what_differs_is_told_with_its_cause(told: Explanation) -> None:
    _, likelihood = beside(told, decided(told, likelihood=0.9), Policy.load())
    assert "replay --compare" in likelihood
    _, model, policy = beside(told, decided(told, model_version="forest-0", policy_version="p-0"), Policy.load())
    assert "not in the registry" in model
    assert "SHOPSTREAM_PROCESS_POLICY_FILE" in policy


def test_a_moment_between_two_decisions_is_told_so(told: Explanation) -> None:
    (line,) = beside(told, None, Policy.load())
    assert "no decision of that moment" in line
