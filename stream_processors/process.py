"""The stream processor as a service: runs the Faust app, watches it, ends cleanly or loudly."""

import asyncio
import gc
import logging
import signal
from contextlib import suppress
from typing import Any, Final

import faust
import uvloop
from aiokafka.errors import KafkaError

from contracts.topics import EVENTS
from runtime.health import HealthServer
from runtime.kafka import kafka_check
from runtime.logs import configure_logging
from runtime.settings import KafkaSettings, ProcessSettings
from stream_processors.app import is_ready, make_app
from stream_processors.watchdog import Progress

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
    progress = Progress()
    app = make_app(process, kafka, progress)
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
        code = await _watch(app, starting, stop, progress, process.stuck_after_s)
    finally:
        health.stop()
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            if not starting.done():
                starting.cancel()
            await app.stop()
    except (TimeoutError, Exception):
        # Whatever was not committed is read again by the next worker.
        log.warning("the app did not stop in %s s; leaving without its last commit", STOP_DEADLINE_S, exc_info=True)
    return code


async def _watch(
    app: faust.App, starting: "asyncio.Task[None]", stop: asyncio.Event, progress: Progress, stuck_after_s: float
) -> int:
    """Returns the exit code once it is time to stop."""
    while not stop.is_set():
        if starting.done() and (error := starting.exception()) is not None:
            log.error("the stream processor could not start: %s", error)
            return 1
        if app.crashed:
            log.error("the stream processor crashed: %r", app.crash_reason)
            return 1
        if is_ready(app):
            try:
                async with asyncio.timeout(MEASURE_TIMEOUT_S):
                    await _measure(app, progress)
            except (TimeoutError, KafkaError) as error:  # the broker is away; /readyz says so
                log.warning("cannot measure the lag: %r", error)
            if progress.stuck_for_s() > stuck_after_s:
                log.error(
                    "records wait, and none was processed for %d s; ending so that a new worker starts", stuck_after_s
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
