"""The Faust app: one agent and a timer around sessionize and score, which it calls one after the other for each poll."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import faust
from faust.types import TP, StreamT

from contracts.topics import EVENTS
from models.policy import Policy
from models.purse import BOTTOMLESS
from runtime.kafka import acknowledged_by
from runtime.settings import KafkaSettings, ProcessSettings
from stream_processors.delivery import Delivery, never
from stream_processors.live_models import LOOK_S, live_models
from stream_processors.outbox import Outbox
from stream_processors.poll_lane import Poll, PollSchema, use_poll_lanes
from stream_processors.purse import LedgerPurse
from stream_processors.score import Decider
from stream_processors.sessionize import Sessionizer
from stream_processors.shelves import Shelf, StoreDamaged
from stream_processors.suspension import Pulse
from stream_processors.unsent import Unsent
from stream_processors.visitors import VisitorStates, VisitorStore, VisitorTable
from stream_processors.watchdog import Progress, Recovery

SOURCE = "shopstream/process"
SWEEP_S = 1.0
HOUR_MS = 3_600_000
CHANGELOG = {
    # Two states that compete must both be there to be compared: see VisitorStates.
    "min.compaction.lag.ms": HOUR_MS,
    # Kafka never compacts the segment it writes to, and by default begins another one after a week or a gigabyte.
    "segment.ms": HOUR_MS,
    "segment.bytes": 67_108_864,
    "min.cleanable.dirty.ratio": 0.2,
    "delete.retention.ms": 24 * HOUR_MS,
}
POLLS_AT_ONCE = 2
"""Polls of the changelog that recovery applies together; at 1 Faust would leave the changelog's partitions open."""
TOGETHER_RECORDS = 2_000
"""Waiting polls are processed together up to about this many records."""
OUTPUT_BATCH_BYTES = 524_288
"""A partition's batches go one after the other: at Faust's 16 kB the output of one poll is dozens of round trips."""
QUEUED_POLLS = 2
"""Of each partition, so many polls fit an agent's queue; while it is half full, nothing is read."""


def make_app(
    process: ProcessSettings,
    kafka: KafkaSettings,
    progress: Progress,
    open_shelf: Callable[[int], Shelf],
    policy: Policy,
    purse: LedgerPurse | None = None,
) -> faust.App:
    """The app, not started; `purse` is for policies with budgets. Call inside the event loop that runs it."""
    models = live_models(process)
    queued_polls = QUEUED_POLLS * kafka.partitions
    app = faust.App(
        process.app_id,
        broker=[f"kafka://{address}" for address in kafka.brokers],
        Table=type("Visitors", (VisitorTable,), {"open_shelf": staticmethod(open_shelf)}),
        datadir=str(Path(tempfile.gettempdir()) / process.app_id),  # nothing is kept there; Faust wants one
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=kafka.partitions,
        topic_replication_factor=kafka.replication_factor,
        # Standbys in memory would be read anew when they take over, and Faust balances better without.
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        broker_max_poll_records=2_000,
        broker_session_timeout=min(45.0, max(6.0, process.rebalance_timeout_s)),
        broker_heartbeat_interval=1.0,
        broker_rebalance_timeout=process.rebalance_timeout_s,
        broker_request_timeout=max(30.0, process.rebalance_timeout_s + 10),
        producer_acks=-1,
        producer_linger=0,
        producer_max_request_size=8_388_608,
        producer_max_batch_size=OUTPUT_BATCH_BYTES,
        # A message of the changelog is a poll of it: a thousand of these would be a shop's whole memory.
        stream_buffer_maxsize=queued_polls,
        # Polls that were read and not finished are read again by whoever gets the partition; nobody waits for them.
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
    )
    pulse = Pulse(app.conf.broker_session_timeout)
    table: Any = app.Table(
        "visitors",
        key_type=bytes,
        value_type=bytes,
        schema=PollSchema(),
        partitions=kafka.partitions,
        recovery_buffer_size=POLLS_AT_ONCE,
        extra_topic_configs=CHANGELOG | acknowledged_by(kafka.replication_factor),
    )
    # Whoever asks first makes it, for its own event loop: a health check that came early would, in a thread whose loop never runs.
    _ = cast(Any, app.tables).recovery
    use_poll_lanes(app, [EVENTS.name, table.changelog_topic_name], pulse)
    store = VisitorStore(states_of(app), table.changelog_topic_name, process.cache_visitors)
    sessionizer = Sessionizer(store, timedelta(minutes=process.session_gap_minutes))
    recovery = Recovery()
    decider = Decider(models, policy, purse or BOTTOMLESS)
    delivery = Delivery(app.crash)
    # One poll or sweep at a time: a session's records must reach the topic in the order of its states.
    turn = asyncio.Lock()

    @app.agent(app.topic(EVENTS.name, schema=PollSchema(), maxsize=queued_polls), name="sessionize")
    async def sessionize(polls: StreamT[Poll]) -> AsyncIterator[None]:
        # Faust acknowledges a poll when the next is asked for, or when it ends the agent, and its compiled stream asks nobody.
        cast(Any, polls).enable_acks = False
        async for taken in _waiting(polls):
            async with turn:
                # What was read before partitions moved is read again, by whoever has them now: the states here may be old or gone,
                # and a visitor without a state would begin anew, with a session that nobody had.
                waiting = [event for event in taken if event.message.generation_id == app.consumer_generation_id]
                outbox = Outbox(app.producer, SOURCE)
                now = datetime.now(UTC)
                try:
                    made = [
                        (event.message.tp.partition, features)
                        for event in waiting
                        for features in sessionizer.fold(event.message.tp.partition, event.value, outbox, now=now)
                    ]
                    decider.decide(made, outbox, now=now)
                except StoreDamaged:
                    await never()
                except Exception as error:  # Faust would start the agent anew, and commit what comes after these polls
                    await app.crash(error)
                    await never()
                await delivery.begin(outbox, partial(sent, store.take(), waiting))
            yield

    def sent(states: Unsent, polls: list[Any], offsets: Mapping[tuple[str, int], range]) -> None:
        store.sent(states, offsets)
        for event in polls:
            message = event.message
            message.value.is_done = True
            app.consumer.ack(message)
            progress.reached(message.tp, message.offset)

    @app.task  # type: ignore[untyped-decorator]  # Faust types it loosely
    async def beat() -> None:
        await pulse.run()

    if purse is not None:
        keep_filled = purse.run

        @app.task  # type: ignore[untyped-decorator]  # Faust types it loosely
        async def fill_purse() -> None:
            try:
                await keep_filled()
            except Exception as error:  # Faust would go on without it, and all budgets would look spent
                await app.crash(error)

    @app.timer(interval=SWEEP_S, name="sweep")  # type: ignore[untyped-decorator]  # Faust types it loosely
    async def sweep() -> None:
        if not is_ready(app):
            return  # the store is being recovered: what it says of a visitor may be old
        async with turn:
            if not is_ready(app):  # no more, after waiting for its turn
                return
            outbox = Outbox(app.producer, SOURCE)
            try:
                sessionizer.sweep(outbox, now=datetime.now(UTC))
            except StoreDamaged:
                await never()
            if outbox:
                await delivery.begin(outbox, partial(sent, store.take(), []))

    @app.timer(interval=LOOK_S, name="follow_models")  # type: ignore[untyped-decorator]  # as above
    async def follow_models() -> None:
        # Loading takes a moment that no event should wait for.
        await asyncio.to_thread(models.look)
        models.tell_drift(datetime.now(UTC))

    @table.on_recover  # type: ignore[untyped-decorator]  # as above
    async def recovered() -> None:
        try:
            async with turn:
                await delivery.idle()
                # In a thread: with many visitors it takes longer than Kafka waits for a sign of life.
                await asyncio.to_thread(sessionizer.recover, now=datetime.now(UTC))
                if purse is not None:
                    purse.look_back()
            recovery.ended()
        except Exception as error:  # Faust would go on without what could not be recovered, and say nothing
            await app.crash(error)

    async def revoked(_app: Any, partitions: set[TP], *_: Any, **__: Any) -> None:
        progress.forget(partitions)
        store.doubt()

    async def assigned(*_: Any, **__: Any) -> None:
        recovery.began()

    signal: Any = app.on_partitions_revoked  # Faust's type names only one form of receiver
    signal.connect(revoked, weak=False)
    signal = app.on_partitions_assigned
    signal.connect(assigned, weak=False)

    return app


def states_of(app: faust.App) -> VisitorStates:
    """The states behind the app's table."""
    return cast(VisitorStates, cast(Any, app.tables["visitors"]).data)


def is_ready(app: faust.App) -> bool:
    """The store is recovered for the partitions assigned; with more workers than partitions some stand by with none."""
    tables: Any = app.tables
    if not app.started or app.rebalancing or not tables.recovery.completed.is_set():
        return False
    return bool(app.consumer.assignment() or app.unassigned)


async def _waiting(polls: StreamT[Poll]) -> AsyncIterator[list[Any]]:
    """The polls that wait, as Faust's events. Whoever takes them acknowledges them.

    Small polls that came while an agent waited for Kafka go together, so that a busy shop costs no round trip for each.
    """
    channel: Any = polls.channel
    async for first in polls.events():
        together, records = [first], len(first.value)
        while records < TOGETHER_RECORDS and not channel.queue.empty():
            event = channel.queue.get_nowait()
            together.append(event)
            records += len(event.value)
        yield together
