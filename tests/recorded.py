"""The recorded topics of a stream that has nothing left to do."""

import time
from typing import Final

import msgspec

from contracts.topics import EVENTS, SESSION_FEATURES
from models.comparison import Comparison
from models.serving import Scorer
from models.visitor import GAP
from runtime.recordings import Part, recorded_by_kafka
from runtime.settings import KafkaSettings, ProcessSettings
from shopstream.compare import compare

PATIENCE_S: Final = 150.0
PAUSE_S: Final = 0.5


def settled(
    kafka: KafkaSettings, events: int = 0, timeout_s: float = PATIENCE_S
) -> tuple[list[dict[str, Part]], Comparison]:
    """All three topics, and how they compare, once so many events are folded and every session that they leave is decided about.

    When that does not come true in time, what is there then.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = list(recorded_by_kafka(kafka, ProcessSettings().app_id))
        folded = [parts[EVENTS.name] for parts in found]
        late = time.monotonic() > deadline
        if late or (sum(len(part.records) for part in folded) >= events and all(map(_is_done, folded))):
            everything = [{**parts, SESSION_FEATURES.name: _unread(parts[SESSION_FEATURES.name])} for parts in found]
            comparison = compare(everything, [Scorer.load()], GAP)
            if late or not comparison.differing:
                return everything, comparison
        time.sleep(PAUSE_S)


def _is_done(part: Part) -> bool:
    return not part.records or part.done > part.records[-1].offset


def _unread(part: Part) -> Part:
    """Asks for a decision about everything that was folded, whether or not the stream reads its features again."""
    return msgspec.structs.replace(part, done=0)
