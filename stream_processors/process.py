"""The stream processor as a service: runs the Faust app, watches it, ends cleanly or loudly."""

import asyncio
import gc
import logging
import os
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import faust
import uvloop
from aiokafka.errors import KafkaError
from faust.exceptions import ConsistencyError

from contracts.topics import EVENTS
from runtime.health import HealthServer
from runtime.kafka import admin, kafka_check
from runtime.logs import configure_logging
from runtime.settings import KafkaSettings, ProcessSettings, SettingsError
from stream_processors.app import is_ready, make_app, states_of
from stream_processors.shelves import MemoryShelf, RocksShelf, Shelf, shared_cache
from stream_processors.state_folder import StateFolder
from stream_processors.watchdog import Progress, Recovery

log = logging.getLogger(__name__)

SOURCES: Final = frozenset({EVENTS.name})
WATCH_S: Final = 1.0
MEASURE_TIMEOUT_S: Final = 5.0
STOP_DEADLINE_S: Final = 15.0
YOUNG_OBJECTS: Final = 50_000
"""Allocations between two runs of Python's cycle collector; the usual 700 are a few records."""


def serve(process: ProcessSettings, kafka: KafkaSettings) -> int:
    """Run until SIGTERM or SIGINT (returns 0), or until the app crashes or gets stuck (returns 1)."""
    configure_logging("process")
    return uvloop.run(_serve(process, kafka))


async def _serve(process: ProcessSettings, kafka: KafkaSettings) -> int:
    progress, recovery = Progress(), Recovery()
    folder = state_folder(process, kafka)
    app = make_app(process, kafka, progress, recovery, shelves_in(folder))
    # The many objects of the live visitors have no cycles among them: looking through them again and again finds nothing.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def ready() -> str | None:
        return None if is_ready(app) else "partitions are not assigned or state is being recovered"

    health = HealthServer(process.host, process.port, {"kafka": kafka_check(kafka), "streams": ready})
    health.start()
    starting = asyncio.create_task(app.start())
    try:
        code = await _watch(app, starting, stop, progress, recovery, process)
    finally:
        health.stop()
    if code and folder is not None and _is_store_to_blame(app, recovery, process):
        folder.distrust()
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            if not starting.done():
                starting.cancel()
            await app.stop()
    except Exception:
        # Whatever was not committed is read again by the next worker. Threads that did not stop must not keep the process.
        log.warning("the app did not stop in %s s; leaving without its last commit", STOP_DEADLINE_S, exc_info=True)
        logging.shutdown()
        os._exit(code)
    return code


async def _watch(
    app: faust.App,
    starting: "asyncio.Task[None]",
    stop: asyncio.Event,
    progress: Progress,
    recovery: Recovery,
    process: ProcessSettings,
) -> int:
    """Returns the exit code once it is time to stop."""
    states = states_of(app)
    while not stop.is_set():
        if starting.done() and (error := starting.exception()) is not None:
            log.error("the stream processor could not start: %s", error)
            return 1
        if app.crashed:
            log.error("the stream processor crashed: %r", app.crash_reason)
            return 1
        if states.damage is not None:
            log.error("the visitor store is damaged: %s; ending so that a new worker rebuilds it", states.damage)
            return 1
        if recovery.idle_for_s(states.read_at) > process.recovery_stuck_after_s:
            log.error(
                "the visitor store has not been recovered, and nothing was read for %d s; ending so that a new worker "
                "rebuilds it",
                process.recovery_stuck_after_s,
            )
            return 1
        if recovery.unassigned_for_s() > process.rebalance_timeout_s + process.recovery_stuck_after_s:
            log.error("Kafka has not given this worker its part of the partitions; ending so that a new one asks again")
            return 1
        if is_ready(app):
            try:
                async with asyncio.timeout(MEASURE_TIMEOUT_S):
                    await _measure(app, progress)
            except (TimeoutError, KafkaError) as error:  # the broker is away; /readyz says so
                log.warning("cannot measure the lag: %r", error)
            if progress.stuck_for_s() > process.stuck_after_s:
                log.error(
                    "records wait, and none was processed for %d s; ending so that a new worker starts",
                    process.stuck_after_s,
                )
                return 1
        with suppress(TimeoutError):
            async with asyncio.timeout(WATCH_S):
                await stop.wait()
    return 0


async def _measure(app: faust.App, progress: Progress) -> None:
    consumer: Any = app.consumer
    assigned = {tp for tp in consumer.assignment() if tp.topic in SOURCES}
    unknown = progress.unknown(assigned)
    if unknown:
        committed = {tp: consumer._committed_offset[tp] for tp in unknown}
        earliest = await consumer.earliest_offsets(*unknown)
        progress.starts_at({tp: earliest[tp] if offset is None else offset for tp, offset in committed.items()})
    progress.measure(await consumer.ends(*assigned))


def state_folder(process: ProcessSettings, kafka: KafkaSettings) -> StateFolder | None:
    """The folder of a store on disk, claimed for this process; None for a store in memory. Raises `KafkaUnreachable`."""
    if process.store == "memory":
        return None
    if process.store != "rocksdb":
        raise SettingsError(f"{process.variable('store')}={process.store!r} is no store; it takes memory or rocksdb")
    with closing(admin(kafka)) as client:
        cluster_id = client.describe_cluster()["cluster_id"]
    state_dir = process.state_dir or str(Path(tempfile.gettempdir()) / f"{process.app_id}-state")
    return StateFolder.claimed(Path(state_dir), str(cluster_id))


def shelves_in(folder: StateFolder | None) -> Callable[[int], Shelf]:
    """What opens a partition's states: in the folder, or in memory when there is none."""
    if folder is None:
        return lambda _: MemoryShelf()
    cache = shared_cache()
    return lambda partition: RocksShelf(folder.partition(partition), cache, time.time)


def _is_store_to_blame(app: faust.App, recovery: Recovery, process: ProcessSettings) -> bool:
    """Whether the worker ends because what is on disk could not be read, or does not fit the changelog."""
    states = states_of(app)
    return (
        states.damage is not None
        or isinstance(app.crash_reason, ConsistencyError)
        or recovery.idle_for_s(states.read_at) > process.recovery_stuck_after_s
    )
