"""The work of the stream, one record at a time, as the peers call it: the same fold, features, model and policy as ours."""

import os
import sys
import time
from datetime import UTC, datetime

import msgspec

from contracts.codec import ENCODER, EVENT_DECODER
from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from models.decide import decide
from models.policy import Policy
from models.serving import Scorer
from models.session_features import features_of
from models.visitor import Visitor

BROKERS = os.environ.get("BENCH_BROKERS", "")
NAME = os.environ.get("BENCH_NAME", "peer")
FOLDER = os.environ.get("BENCH_FOLDER", "")
COUNT = int(os.environ.get("BENCH_COUNT", "0"))
EVENTS = "events"
FEATURES = f"{NAME}-features"
DECISIONS = f"{NAME}-decisions"

decode_event = EVENT_DECODER.decode
encode = ENCODER.encode
encode_state = msgspec.msgpack.Encoder().encode
decode_state = msgspec.msgpack.Decoder(Visitor).decode


def folded(visitor: Visitor, event: Event) -> list[SessionFeatures]:
    """The features of every session that the event changed."""
    return [features_of(visitor, session, event.message_id) for session in visitor.observe(event)]


class Judge:
    """The model and the policy that ship with Shopstream."""

    def __init__(self) -> None:
        self._scorer = Scorer.load()
        self._policy = Policy.load()

    def one(self, features: SessionFeatures) -> Decision:
        return self.many([features])[0]

    def many(self, sessions: list[SessionFeatures]) -> list[Decision]:
        now, policy = datetime.now(UTC), self._policy
        return [
            decide(features, scores, policy, now=now)
            for features, scores in zip(sessions, self._scorer.score(sessions), strict=True)
        ]


class Counter:
    """Counts records; at the last it prints wall and processor seconds since the first, and ends the process."""

    def __init__(self, end: int = COUNT) -> None:
        self._end = end
        self._count = 0
        self._from = (0, 0.0, 0.0)

    def add(self, records: int = 1) -> None:
        self._count += records
        if self._from[0] == 0:
            self._from = (self._count, time.perf_counter(), time.process_time())
        elif self._count >= self._end:
            count, wall, processor = self._from
            figures = (self._count - count, time.perf_counter() - wall, time.process_time() - processor)
            sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
            sys.stdout.flush()
            os._exit(0)  # a stream has no end of its own
