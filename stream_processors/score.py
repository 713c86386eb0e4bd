"""Hop 5. Session features in, decisions out: in the poll that made the features, before they are on the log."""

import logging
from collections import Counter as Counts
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from prometheus_client import Counter, Histogram

from contracts.features import SessionFeatures
from contracts.topics import DECISIONS, EVENTS_DLQ
from models.decide import decide
from models.policy import Policy
from models.purse import BOTTOMLESS, Purse
from models.serving import Scores
from stream_processors.dead_letters import dead_features
from stream_processors.outbox import Outbox
from stream_processors.sessionize import BURIED

log = logging.getLogger(__name__)

DECIDED: Final = Counter("process_decisions_total", "Decisions made.", ["persona", "incentive"])
SCORING: Final = Histogram(
    "process_scoring_seconds",
    "Time to score the sessions of one poll.",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1),
)


class Models(Protocol):
    """Whatever scores the sessions of a poll: one model, or those in force while they change."""

    def score(self, sessions: Sequence[SessionFeatures]) -> list[Scores]:
        """The scores of the sessions, in their order."""


class Decider:
    """Scores the sessions of a poll together, and decides for each."""

    def __init__(self, models: Models, policy: Policy, purse: Purse = BOTTOMLESS) -> None:
        self._models = models
        self._policy = policy
        self._purse = purse

    def decide(self, made: Sequence[tuple[int, SessionFeatures]], outbox: Outbox, *, now: datetime) -> None:
        """One decision for each session that is or, in a replay, just was open, from its newest features, each with its partition."""
        newest: dict[str, tuple[int, SessionFeatures]] = {}
        for partition, features in made:
            if features.closed_at is not None:
                continue
            newest.pop(features.session_id, None)
            for replaced in features.replaces:
                newest.pop(replaced, None)
            newest[features.session_id] = (partition, features)
        if not newest:
            return
        still_open = list(newest.values())
        try:
            self._decide_all(still_open, outbox, now)
        except Exception:  # a surprise about one session must not stop the partition
            log.exception("cannot decide for a poll of %d sessions; trying them one by one", len(still_open))
            for partition, features in still_open:
                try:
                    self._decide_all([(partition, features)], outbox, now)
                except Exception as error:  # the same surprise, now with the one session that brings it
                    self._bury(partition, features, "undecidable", repr(error), outbox, now)

    def _decide_all(self, sessions: list[tuple[int, SessionFeatures]], outbox: Outbox, now: datetime) -> None:
        with SCORING.time():
            scores = self._models.score([features for _, features in sessions])
        decisions = [
            (partition, decide(features, score, self._policy, now=now, purse=self._purse))
            for (partition, features), score in zip(sessions, scores, strict=True)
        ]
        told: Counts[tuple[str, str]] = Counts()
        for partition, decision in decisions:
            outbox.put(
                DECISIONS, partition, decision.visitor_id, decision, id=decision.decision_id, time=decision.decided_at
            )
            offered = decision.incentive.type if decision.incentive and decision.is_offered else "none"
            told[decision.persona, offered] += 1
        for labels, count in told.items():
            DECIDED.labels(*labels).inc(count)

    def _bury(
        self, partition: int, features: SessionFeatures, code: str, message: str, outbox: Outbox, now: datetime
    ) -> None:
        letter = dead_features(partition, features, code=code, message=message, now=now)
        outbox.put(EVENTS_DLQ, partition, features.visitor_id, letter, id=letter.dead_letter_id, time=now)
        BURIED.labels("score", code).inc()
