"""Decisions are made from the features that the same poll made, without Kafka in between."""

from datetime import UTC, datetime
from typing import Any

from contracts.codec import DEAD_LETTER_DECODER, DECISION_DECODER, SESSION_FEATURES_DECODER
from contracts.decisions import Decision
from contracts.features import SessionFeatures
from models.card import MODEL_FILE
from models.policy import Policy
from models.serving import DEFAULT_FOLDER, Scorer
from stream_processors.outbox import Outbox
from stream_processors.score import Decider
from tests.factories import features

NOW = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
ONNX = (DEFAULT_FOLDER / MODEL_FILE).read_bytes()


class Unlucky(Scorer):
    """A model that fails whenever a session of this visitor is among those to score."""

    def score(self, sessions: Any, **options: Any) -> Any:
        if any(each.visitor_id == "eve" for each in sessions):
            raise ZeroDivisionError("eve")
        return super().score(sessions, **options)


def sent(made: list[tuple[int, SessionFeatures]], scorer: Scorer | None = None) -> dict[str, list[tuple[int, bytes]]]:
    """What goes out because of the features, by topic: partition and value."""
    outbox = Outbox(None, "test")
    Decider(scorer or Scorer.load(), Policy.load()).decide(made, outbox, now=NOW)
    found: dict[str, list[tuple[int, bytes]]] = {}
    for topic, partition, _, value, _ in outbox._records:
        assert value is not None
        found.setdefault(topic, []).append((partition, value))
    return found


def decided(*made: SessionFeatures) -> list[Decision]:
    return [DECISION_DECODER.decode(value) for _, value in sent([(3, each) for each in made]).get("decisions", [])]


def test_each_open_session_gets_one_decision_from_its_newest_features() -> None:
    told = decided(
        features(session_id="a", event_count=1),
        features(session_id="b", event_count=1),
        features(session_id="a", event_count=2),
    )
    assert {each.session_id: each.event_count for each in told} == {"a": 2, "b": 1}


def test_decisions_go_to_the_partition_that_the_events_came_from() -> None:
    made = [(1, features(visitor_id="ada")), (4, features(visitor_id="bob"))]
    places = {DECISION_DECODER.decode(value).visitor_id: partition for partition, value in sent(made)["decisions"]}
    assert places == {"ada": 1, "bob": 4}


def test_a_closed_session_and_one_that_became_another_get_none() -> None:
    told = decided(
        features(session_id="void", event_count=1),
        features(session_id="joined", event_count=2, replaces=("void",)),
        features(session_id="over", closed_at="12:40"),
    )
    assert [each.session_id for each in told] == ["joined"]


def test_a_session_that_closed_in_the_poll_that_made_it_gets_the_decision_of_its_last_open_moment() -> None:
    """As in a replay, where a day is a moment: else how polls are cut would tell who is decided about."""
    told = decided(features(session_id="a", event_count=2), features(session_id="a", event_count=2, closed_at="12:40"))
    assert [(each.session_id, each.event_count) for each in told] == [("a", 2)]


def test_a_session_that_cannot_be_decided_is_a_dead_letter_and_the_others_are_decided() -> None:
    made = [(3, features(visitor_id=name, session_id=name)) for name in ("ada", "eve", "bob")]
    found = sent(made, Unlucky(Scorer.load().card, ONNX))
    assert [DECISION_DECODER.decode(value).visitor_id for _, value in found["decisions"]] == ["ada", "bob"]
    ((partition, raw),) = found["events-dlq"]
    letter = DEAD_LETTER_DECODER.decode(raw)
    assert (partition, letter.stage, letter.code, letter.visitor_id) == (3, "score", "undecidable", "eve")
    assert SESSION_FEATURES_DECODER.decode(letter.raw) == made[1][1]
    again = sent(made, Unlucky(Scorer.load().card, ONNX))["events-dlq"]
    assert DEAD_LETTER_DECODER.decode(again[0][1]).dead_letter_id == letter.dead_letter_id
