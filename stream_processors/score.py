"""Hop 5. Session features in, decisions out."""

import logging
from collections import Counter as Counts
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from aiokafka import ConsumerRecord
from prometheus_client import Counter, Histogram

from contracts.codec import SESSION_FEATURES_DECODER
from contracts.features import SessionFeatures
from contracts.topics import DECISIONS, EVENTS_DLQ, SESSION_FEATURES
from models.decide import decide
from models.policy import Policy
from stream_processors.dead_letters import dead_letter
from stream_processors.live_models import LiveModels
from stream_processors.outbox import Outbox
from stream_processors.sessionize import BURIED

log = logging.getLogger(__name__)

DECIDED: Final = Counter("process_decisions_total", "Decisions made.", ["persona", "incentive"])
SCORING: Final = Histogram(
    "process_scoring_seconds",
    "Time to score the sessions of one poll.",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1),
)


class Decider:
    """Scores the sessions of a poll together, and decides for each."""

    def __init__(self, models: LiveModels, policy: Policy) -> None:
        self._scorer = models
        self._policy = policy

    def decide(self, partition: int, records: Sequence[ConsumerRecord], outbox: Outbox, *, now: datetime) -> None:
        """One decision for each session in the poll that is still open, from its newest features."""
        newest: dict[str, tuple[ConsumerRecord, SessionFeatures]] = {}
        for record in records:
            try:
                features = SESSION_FEATURES_DECODER.decode(record.value or b"")
            except msgspec.MsgspecError as error:
                self._bury(partition, record, "undecodable", str(error), outbox, now)
                continue
            newest.pop(features.session_id, None)
            for replaced in features.replaces:
                newest.pop(replaced, None)
            newest[features.session_id] = (record, features)
        still_open = [pair for pair in newest.values() if pair[1].closed_at is None]
        if not still_open:
            return
        try:
            self._decide_all(partition, [features for _, features in still_open], outbox, now)
        except Exception:  # a surprise about one session must not stop the partition
            log.exception("cannot decide for a poll of %d sessions; trying them one by one", len(still_open))
            for record, features in still_open:
                try:
                    self._decide_all(partition, [features], outbox, now)
                except Exception as error:  # the same surprise, now with the one session that brings it
                    self._bury(partition, record, "undecidable", repr(error), outbox, now)

    def _decide_all(self, partition: int, sessions: list[SessionFeatures], outbox: Outbox, now: datetime) -> None:
        with SCORING.time():
            scores = self._scorer.score(sessions)
        decisions = [
            decide(features, score, self._policy, now=now) for features, score in zip(sessions, scores, strict=True)
        ]
        told: Counts[tuple[str, str]] = Counts()
        for decision in decisions:
            outbox.put(
                DECISIONS, partition, decision.visitor_id, decision, id=decision.decision_id, time=decision.decided_at
            )
            offered = decision.incentive.type if decision.incentive and decision.is_offered else "none"
            told[decision.persona, offered] += 1
        for labels, count in told.items():
            DECIDED.labels(*labels).inc(count)

    def _bury(
        self, partition: int, record: ConsumerRecord, code: str, message: str, outbox: Outbox, now: datetime
    ) -> None:
        letter = dead_letter(SESSION_FEATURES, record, stage="score", code=code, message=message, now=now)
        outbox.put(EVENTS_DLQ, partition, letter.visitor_id or "", letter, id=letter.dead_letter_id, time=now)
        BURIED.labels("score", code).inc()
