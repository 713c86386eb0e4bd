"""The stream processor as a service: runs the Faust app, watches it, ends cleanly or loudly."""

import asyncio
import faulthandler
import gc
import logging
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import faust
import uvloop
from aiokafka.errors import KafkaError
from faust.exceptions import ConsistencyError

from contracts.topics import EVENTS
from models.policy import Policy
from runtime.health import Check, HealthServer
from runtime.kafka import KafkaUnreachable, TopicMismatch, TopicMissing, cluster_id_of, kafka_check, require_topics
from runtime.logs import configure_logging
from runtime.settings import KafkaSettings, PostgresSettings, ProcessSettings, SettingsError
from runtime.stopping import STOP_DEADLINE_S, leave_within
from stream_processors.app import is_ready, make_app, states_of
from stream_processors.ledger import PostgresLedger
from stream_processors.purse import LedgerPurse
from stream_processors.shelves import MemoryShelf, Shelf, StoreDamaged, StoreFull
from stream_processors.state_folder import DiskShelves
from stream_processors.watchdog import Progress

log = logging.getLogger(__name__)

SOURCES: Final = frozenset({EVENTS.name})
WATCH_S: Final = 1.0
MEASURE_TIMEOUT_S: Final = 5.0
ANSWER_WITHIN_S: Final = 2.0
STALLED_S: Final = 60.0
"""A recovery that was given up after it had got nothing to read for this long begins anew; others go on where they were."""
YOUNG_OBJECTS: Final = 50_000
"""Allocations between two runs of Python's cycle collector; the usual 700 are a few records."""


def serve(process: ProcessSettings, kafka: KafkaSettings, postgres: PostgresSettings) -> int:
    """Run until SIGTERM or SIGINT (returns 0), or until the app crashes or gets stuck (returns 1).

    Postgres is asked only for what is left of budgets, when the policy has any. Raises `PolicyError`.
    """
    configure_logging("process")
    return uvloop.run(_serve(process, kafka, postgres))


async def _serve(process: ProcessSettings, kafka: KafkaSettings, postgres: PostgresSettings) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    is_reachable = kafka_check(kafka)
    progress = Progress()
    open_shelf = shelves_for(process, kafka)
    policy = Policy.load(Path(process.policy_file) if process.policy_file else None)
    purse = LedgerPurse(policy, PostgresLedger(postgres.dsn)) if policy.budgets else None
    app = make_app(process, kafka, progress, open_shelf, policy, purse)
    # The many objects of the live visitors have no cycles among them: looking through them again and again finds nothing.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)

    checks = {"kafka": is_reachable, "streams": readiness_of(app, asyncio.get_running_loop())}
    health = HealthServer(process.host, process.port, checks)
    health.start()
    try:
        if not await _has_sources(kafka, stop):
            return 0
    except TopicMismatch as error:
        log.error("%s", error)
        return 1
    starting = asyncio.create_task(app.start())
    code = await _watch(app, starting, stop, progress, is_reachable, process)
    if code and isinstance(open_shelf, DiskShelves) and _is_store_to_blame(app):
        open_shelf.distrust()
    leave_within(STOP_DEADLINE_S, code)
    health.stop()
    try:
        if not starting.done():
            starting.cancel()
        await app.stop()
    except Exception:
        # Whatever was not committed is read again by the next worker.
        log.warning("the app did not stop well; its last commit may be missing", exc_info=True)
    if purse is not None:
        purse.close()
    return code


def readiness_of(app: faust.App, loop: asyncio.AbstractEventLoop) -> Check:
    """A check for the health server's threads, answered by the app's loop.

    Faust makes its parts when they are first asked for, on the loop of the thread that asks: a probe that came early gave
    recovery a loop that nobody runs, and the worker was never ready.
    """

    async def ask() -> bool:
        return is_ready(app)

    def check() -> str | None:
        asking = ask()
        try:
            told = asyncio.run_coroutine_threadsafe(asking, loop).result(ANSWER_WITHIN_S)
        except TimeoutError:
            return "the worker is busy and does not answer"
        except RuntimeError:  # the loop is closed
            asking.close()
            return "the worker is stopping"
        return None if told else "partitions are not assigned or state is being recovered"

    return check


async def _has_sources(kafka: KafkaSettings, stop: asyncio.Event) -> bool:
    """Wait until there is something to read from: dying for want of it again and again, a supervisor would give us up.

    A worker that joined before its topics exist would get no partitions until its client looks again, minutes later.
    Raises `TopicMismatch`.
    """
    said = None
    while not stop.is_set():
        try:
            await asyncio.to_thread(require_topics, kafka, SOURCES)
        except (KafkaUnreachable, TopicMissing) as error:
            if type(error) is not said:
                said = type(error)
                log.warning("%s; trying again until it works", error)
            await _pause(stop)
        else:
            return True
    return False


async def _pause(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(WATCH_S):
            await stop.wait()


async def _watch(
    app: faust.App,
    starting: "asyncio.Task[None]",
    stop: asyncio.Event,
    progress: Progress,
    is_reachable: Check,
    process: ProcessSettings,
) -> int:
    """Returns the exit code once it is time to stop."""
    ready_at = time.monotonic()
    while not stop.is_set():
        # Should this loop hang, in the model or in a bug, the process ends with all stacks in its log.
        faulthandler.dump_traceback_later(process.stuck_after_s, exit=True)
        if starting.done() and (error := starting.exception()) is not None:
            log.error("the stream processor could not start: %s", error)
            return 1
        if (damage := states_of(app).damage) is not None:
            log.error("%s", _said(damage))
            return 1
        if app.crashed:
            log.error("the stream processor crashed: %r", app.crash_reason)
            return 1
        if is_ready(app):
            ready_at = time.monotonic()
            await _measure(app, progress, is_reachable)
            if progress.stuck_for_s() > process.stuck_after_s:
                log.error(
                    "records wait, and nothing was committed for %d s; ending so that a new worker starts",
                    process.stuck_after_s,
                )
                return 1
        elif time.monotonic() - ready_at > process.recovery_timeout_s:
            log.error(
                "not ready for %d s; ending so that a new worker recovers from the start. Should it need longer, "
                "raise SHOPSTREAM_PROCESS_RECOVERY_TIMEOUT_S",
                process.recovery_timeout_s,
            )
            return 1
        await _pause(stop)
    return 0


async def _measure(app: faust.App, progress: Progress, is_reachable: Check) -> None:
    """Ask Kafka how far each partition is committed and how far it goes."""
    consumer: Any = app.consumer
    try:
        async with asyncio.timeout(MEASURE_TIMEOUT_S):
            assigned = {tp for tp in consumer.assignment() if tp.topic in SOURCES}
            unknown = progress.unknown(assigned)
            if unknown:
                progress.starts_at(await consumer.earliest_offsets(*unknown))
            progress.committed(await consumer.committed(*assigned))
            progress.measure(await consumer.ends(*assigned))
    except (TimeoutError, KafkaError) as error:
        log.warning("cannot measure the lag: %r", error)
        # A broker that is away is no reason to end: a new worker would find it away as well. A client that is dead is one.
        if await asyncio.to_thread(is_reachable) is not None:
            progress.waits_for_kafka()


def shelves_for(process: ProcessSettings, kafka: KafkaSettings) -> Callable[[int], Shelf]:
    """What opens a partition's states. Raises `SettingsError`."""
    match process.store:
        case "memory":
            return lambda _: MemoryShelf()
        case "rocksdb":
            state_dir = process.state_dir or str(Path(tempfile.gettempdir()) / f"{process.app_id}-state")
            return DiskShelves(Path(state_dir), lambda: cluster_id_of(kafka))
        case other:
            raise SettingsError(f"{process.variable('store')}={other!r} is no store; it takes memory or rocksdb")


def _said(damage: StoreDamaged) -> str:
    if isinstance(damage, StoreFull):
        return (
            f"the visitor store has no room: {damage}; make some there, or set SHOPSTREAM_PROCESS_STATE_DIR to a folder on a "
            "larger disk. Ending; a new worker rebuilds it"
        )
    return f"the visitor store is damaged: {damage}; ending so that a new worker rebuilds it"


def _is_store_to_blame(app: faust.App) -> bool:
    """Whether the worker ends because what is on disk cannot be read, does not fit the changelog, or got no further."""
    states = states_of(app)
    is_stalled = not is_ready(app) and time.monotonic() - states.read_at > STALLED_S
    return states.damage is not None or isinstance(app.crash_reason, ConsistencyError) or is_stalled
