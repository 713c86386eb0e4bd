"""The stream's fold under restarts and moves: polls cut anywhere, workers that die before or after Kafka has their output, partitions that
move and state rebuilt from the changelog; what was told in the end is what a plain computation gives."""

from datetime import datetime, timedelta
from typing import Any, Final

from aiokafka import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import ENCODER, SESSION_FEATURES_DECODER
from contracts.erasures import erasure_of
from contracts.events import Event
from contracts.features import SessionFeatures
from stream_processors.outbox import Outbox
from stream_processors.sessionize import Sessionizer
from stream_processors.shelves import MemoryShelf
from stream_processors.visitors import VisitorStore
from tests.plain_fold import comparable, plain_sessions
from tests.shelved import CHANGELOG, recover, states_on
from tests.stories import NOON, VISITOR, arrivals

GAP: Final = timedelta(minutes=30)
NOW: Final = NOON + timedelta(days=1)
PARTITION: Final = 3
MOST_DECODED: Final = 100


class Worker:
    """A sessionizer whose store was rebuilt from the changelog, as after a restart or a rebalance."""

    def __init__(self, changelog: list[tuple[bytes, bytes | None]]) -> None:
        states = states_on(lambda _: MemoryShelf())
        if changelog:
            recover(states, PARTITION, *((offset, key, raw) for offset, (key, raw) in enumerate(changelog)))
        self.store = VisitorStore(states, CHANGELOG, MOST_DECODED)
        self.sessionizer = Sessionizer(self.store, GAP)
        self.sessionizer.recover(now=NOW)

    def poll(self, records: list[ConsumerRecord[Any, Any]]) -> list[Any]:
        outbox = Outbox(None, "test")
        self.sessionizer.fold(PARTITION, records, outbox, now=NOW)
        return outbox._records


class Partition:
    """One partition's log, its output, changelog and committed offset, and the worker that has it."""

    def __init__(self, events: list[Event]) -> None:
        self.log = [
            ConsumerRecord("events", PARTITION, offset, 0, 0, b"ada", ENCODER.encode(event), 0, 0, 0, ())
            for offset, event in enumerate(events)
        ]
        self.changelog: list[tuple[bytes, bytes | None]] = []
        self.told: list[tuple[bytes, SessionFeatures]] = []
        """With their CloudEvents ids."""
        self.committed = self.position = 0
        self.worker = Worker([])

    def step(self, count: int, fate: str) -> None:
        """A poll of so many records, and what becomes of it."""
        records = self.log[self.position : self.position + count]
        output = self.worker.poll(records) if records else []
        if fate != "dies before Kafka has the output":
            before = len(self.changelog)
            for topic, _, key, value, headers in output:
                if topic == CHANGELOG and fate != "dies between features and state":
                    self.changelog.append((key, value))
                elif topic == "session-features" and value is not None:
                    self.told.append((dict(headers)["ce_id"], SESSION_FEATURES_DECODER.decode(value)))
        if "dies" not in fate:
            self.worker.store.sent(
                self.worker.store.take(), {(CHANGELOG, PARTITION): range(before, len(self.changelog))}
            )
        self.position += len(records)
        if fate == "commits":
            self.committed = self.position
        if "dies" in fate or fate == "moves":
            self.worker, self.position = Worker(self.changelog), self.committed
        if fate == "was suspended and writes an old state":
            self.changelog += self.changelog[:1]
            self.worker, self.position = Worker(self.changelog), self.committed

    def latest(self) -> dict[str, SessionFeatures]:
        """What a reader knows who keeps a session's newest record that tells of the most events, as the sink does."""
        known: dict[str, SessionFeatures] = {}
        void: set[str] = set()
        for _, each in self.told:
            if each.session_id not in known or each.event_count >= known[each.session_id].event_count:
                known[each.session_id] = each
            void.update(each.replaces)
        return {session_id: each for session_id, each in known.items() if session_id not in void}


FATES: Final = st.sampled_from(
    [
        "commits",
        "commits",
        "goes on",
        "moves",
        "dies before Kafka has the output",
        "dies between features and state",
        "dies before it commits",
        "was suspended and writes an old state",
    ]
)


NOTHING_LOST: Final = st.sampled_from(
    ["commits", "goes on", "moves", "dies before Kafka has the output", "dies before it commits"]
)
STEPS: Final = st.lists(st.tuples(st.integers(1, 8), FATES), max_size=20)


def ended(events: list[Event], steps: list[tuple[int, str]]) -> Partition:
    """The partition once all is folded, whatever happened on the way."""
    partition = Partition(events)
    for count, fate in steps:
        partition.step(count, fate)
    while partition.committed < len(partition.log):
        partition.step(5, "commits")
    return partition


def require_plain(latest: dict[str, SessionFeatures], events: list[Event]) -> None:
    expected = {str(each["session_id"]): each for each in plain_sessions(events, GAP)}
    told = {session_id: comparable(each) for session_id, each in latest.items()}
    for session_id in told.keys() & expected.keys():
        # The visitor's newest receipt is told with the sessions that an event changed, not with all.
        told[session_id]["received_at"] = expected[session_id]["received_at"]
    assert told == expected


@settings(max_examples=120, deadline=None)
@given(arrivals(), STEPS)
def test_whatever_becomes_of_the_workers_the_sessions_told_are_the_plain_ones(
    events: list[Event], steps: list[tuple[int, str]]
) -> None:
    require_plain(ended(events, steps).latest(), events)


@settings(max_examples=120, deadline=None)
@given(arrivals(), st.lists(st.tuples(st.integers(1, 8), NOTHING_LOST), max_size=20))
def test_who_passes_over_ids_that_are_known_misses_nothing(events: list[Event], steps: list[tuple[int, str]]) -> None:
    """As long as no worker dies after its features and before its state: then an older moment may be told after a newer one."""
    partition = ended(events, steps)
    first_told = dict(reversed(partition.told))
    partition.told = [(ce_id, each) for ce_id, each in partition.told if first_told[ce_id] is each]
    require_plain(partition.latest(), events)


@st.composite
def erased_on_the_way(draw: st.DrawFn) -> tuple[list[Event], datetime]:
    """Arrivals with an erasure among them: what was received before it may come late, what was received after it comes after it."""
    events = draw(arrivals())
    erased_at = draw(st.sampled_from(events)).received_at
    early = [each for each in events if each.received_at <= erased_at]
    late = [each for each in events if each.received_at > erased_at]
    heard = draw(st.integers(0, len(early)))
    return [*early[:heard], erasure_of(VISITOR, erased_at), *draw(st.permutations([*early[heard:], *late]))], erased_at


@settings(max_examples=150, deadline=None)
@given(erased_on_the_way(), STEPS)
def test_whatever_becomes_of_the_workers_only_what_was_received_after_an_erasure_is_told_in_the_end(
    story: tuple[list[Event], datetime], steps: list[tuple[int, str]]
) -> None:
    events, erased_at = story
    partition = ended(events, steps)
    # The sink passes over what was told of the time before.
    partition.told = [(ce_id, each) for ce_id, each in partition.told if each.received_at > erased_at]
    since = [each for each in events if each.received_at > erased_at]
    if since:
        require_plain(partition.latest(), since)
    else:
        assert partition.latest() == {}
    state = Worker(partition.changelog).store.get(VISITOR, PARTITION)
    assert state.erased_at == erased_at
    assert state.user is None or any(each.user_id == state.user[2] for each in since)
