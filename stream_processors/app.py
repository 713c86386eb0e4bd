"""The Faust app: one agent and a timer around sessionize and score, which it calls one after the other for each poll."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import faust
from aiokafka import ConsumerRecord
from faust.types import TP, StreamT

from contracts.topics import EVENTS
from models.policy import Policy
from runtime.settings import KafkaSettings, ProcessSettings
from stream_processors.live_models import LOOK_S, live_models
from stream_processors.outbox import Outbox
from stream_processors.poll_lane import PollSchema, use_poll_lanes
from stream_processors.score import Decider
from stream_processors.sessionize import Sessionizer
from stream_processors.visitors import VisitorStore, VisitorTable
from stream_processors.watchdog import Progress

Poll = list[ConsumerRecord]

SOURCE = "shopstream/process"
SWEEP_S = 1.0
MIN_COMPACTION_LAG_MS = 3_600_000
TOGETHER_RECORDS = 2_000
"""Waiting polls are processed together up to about this many records."""
OUTPUT_BATCH_BYTES = 524_288
"""A partition's batches go one after the other: at Faust's 16 kB the output of one poll is dozens of round trips."""
MAX_QUEUED_POLLS = 16
"""Polls read ahead of an agent; with more waiting, Faust stops reading the partition."""


def make_app(process: ProcessSettings, kafka: KafkaSettings, progress: Progress) -> faust.App:
    """The app, not started. Raises what loading the policy raises. Call inside the event loop that runs it."""
    models = live_models(process)
    policy = Policy.load(Path(process.policy_file) if process.policy_file else None)
    app = faust.App(
        process.app_id,
        broker=[f"kafka://{address}" for address in kafka.brokers],
        store="memory://",
        Table=VisitorTable,
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
        # Polls that were read and not finished are read again by whoever gets the partition; nobody waits for them.
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
    )
    use_poll_lanes(app, [EVENTS.name])
    table = app.Table(
        "visitors",
        key_type=bytes,
        value_type=bytes,
        partitions=kafka.partitions,
        # Both states must be there to be compared: see NewestStates.
        extra_topic_configs={"min.compaction.lag.ms": MIN_COMPACTION_LAG_MS},
    )
    store = VisitorStore(table)
    sessionizer = Sessionizer(store, timedelta(minutes=process.session_gap_minutes))
    decider = Decider(models, policy)
    # One poll or sweep at a time: a session's records must reach the topic in the order of its states.
    turn = asyncio.Lock()

    @app.agent(app.topic(EVENTS.name, schema=PollSchema(), maxsize=MAX_QUEUED_POLLS), name="sessionize")
    async def sessionize(polls: StreamT[Poll]) -> AsyncIterator[None]:
        async for waiting in _waiting(polls):
            async with turn:
                outbox = Outbox(app.producer, SOURCE)
                now = datetime.now(UTC)
                made = [
                    (tp.partition, features)
                    for tp, records in waiting
                    for features in sessionizer.fold(tp.partition, records, outbox, now=now)
                ]
                decider.decide(made, outbox, now=now)
                await outbox.send()
            for tp, records in waiting:
                progress.reached(tp, records[-1].offset)
            yield

    @app.timer(interval=SWEEP_S, name="sweep")  # type: ignore[untyped-decorator]  # Faust types it loosely
    async def sweep() -> None:
        if not is_ready(app):
            return  # the store is being recovered: what it says of a visitor may be old
        async with turn:
            outbox = Outbox(app.producer, SOURCE)
            sessionizer.sweep(outbox, now=datetime.now(UTC))
            await outbox.send()

    @app.timer(interval=LOOK_S, name="follow_models")  # type: ignore[untyped-decorator]  # as above
    async def follow_models() -> None:
        # Loading takes a moment that no event should wait for.
        await asyncio.to_thread(models.look)
        models.tell_drift(datetime.now(UTC))

    @table.on_recover
    async def recovered() -> None:
        try:
            sessionizer.recover(now=datetime.now(UTC))
        except Exception as error:  # Faust would go on without what could not be recovered, and say nothing
            await app.crash(error)

    async def revoked(_app: Any, partitions: set[TP], *_: Any, **__: Any) -> None:
        progress.forget(partitions)

    signal: Any = app.on_partitions_revoked  # Faust's type names only one form of receiver
    signal.connect(revoked, weak=False)

    return app


def is_ready(app: faust.App) -> bool:
    """The store is recovered for the partitions assigned; with more workers than partitions some stand by with none."""
    tables: Any = app.tables
    if not app.started or app.rebalancing or not tables.recovery.completed.is_set():
        return False
    return bool(app.consumer.assignment() or app.unassigned)


async def _waiting(polls: StreamT[Poll]) -> AsyncIterator[list[tuple[TP, Poll]]]:
    """The polls that wait, each with the partition it came from; they count as done when the next are asked for.

    Small polls that came while an agent waited for Kafka go together, so that a busy shop costs no round trip for each.
    """
    channel: Any = polls.channel
    async for first in polls.events():
        together, records = [first], len(first.value)
        while records < TOGETHER_RECORDS and not channel.queue.empty():
            event = channel.queue.get_nowait()
            together.append(event)
            records += len(event.value)
        yield [(event.message.tp, event.value) for event in together]
        for event in together[1:]:  # Faust acknowledges the first
            event.ack()
