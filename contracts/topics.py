"""Hop 3. The log itself: every topic with its key, contract, partitions, retention and dead-letter topic."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from contracts.dead_letters import DeadLetter
from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.outcomes import Outcome

PARTITIONS: Final = 6
"""One number for all topics: a visitor's events, features and decisions are on partitions of the same number.

SHOPSTREAM_KAFKA_PARTITIONS gives another. Frozen once there is state; choose it before the first event."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A declared topic. `type` is the CloudEvents `ce_type` of its records."""

    name: str
    value: type[msgspec.Struct]
    type: str
    retention: timedelta
    key: str = "visitor_id"
    partitions: int = PARTITIONS
    dead_letters: str | None = None


EVENTS: Final = Topic("events", Event, "shopstream.event.v1", timedelta(days=7), dead_letters="events-dlq")
EVENTS_DLQ: Final = Topic("events-dlq", DeadLetter, "shopstream.dead-letter.v1", timedelta(days=30))
SESSION_FEATURES: Final = Topic(
    "session-features",
    SessionFeatures,
    "shopstream.session-features.v1",
    timedelta(days=7),
    dead_letters="events-dlq",
)
DECISIONS: Final = Topic("decisions", Decision, "shopstream.decision.v1", timedelta(days=7))
OUTCOMES: Final = Topic("outcomes", Outcome, "shopstream.outcome.v1", timedelta(days=30))

TOPICS: Final = (EVENTS, EVENTS_DLQ, SESSION_FEATURES, DECISIONS, OUTCOMES)
"""What is made of an event is kept as long as the event: a sink that was away over a weekend finds its sessions too."""
