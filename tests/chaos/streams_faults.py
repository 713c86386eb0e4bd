"""The faults: what is done to a running rig. Each returns once it has done its worst; the supervisor then heals."""

import contextlib
import shutil
import signal
import time
from collections.abc import Callable
from typing import Final

import psycopg2

from tests.chaos.streams_rig import NotInTime, Rig

Fault = Callable[[Rig], float | None]
"""Returns when it hit, should that be later than when it was asked for."""

SUSPENDED_S: Final = 60.0
PAUSED_S: Final = 15.0
REBALANCE_EVERY_S: Final = 4.0
REBALANCES: Final = 5
FROZEN_FIRST_S: Final = 4.0
"""Long enough for whoever asks Postgres to be in the middle of asking."""
STOPS_WITHIN_S: Final = 10.0
"""Supervisors and Docker kill after that."""


def sigkill_worker(rig: Rig) -> None:
    rig.send("process-1", signal.SIGKILL)


def sigkill_both_workers(rig: Rig) -> None:
    for name in ("process-1", "process-2"):
        rig.send(name, signal.SIGKILL)


def sigstop_worker(rig: Rig) -> None:
    """The group throws it out and the other worker takes over; on waking it must not undo what was done meanwhile."""
    rig.send("process-1", signal.SIGSTOP)
    rig.wait(SUSPENDED_S)
    rig.send("process-1", signal.SIGCONT)


def broker_restart(rig: Rig) -> float:
    before = rig.restarts()
    rig.send("kafka", signal.SIGTERM)
    rig.until("the broker has ended", lambda: rig.restarts() > before, 30)
    return time.monotonic()


def broker_sigkill(rig: Rig) -> None:
    rig.send("kafka", signal.SIGKILL)


def broker_paused(rig: Rig) -> None:
    rig.send("kafka", signal.SIGSTOP)
    rig.wait(PAUSED_S)
    rig.send("kafka", signal.SIGCONT)


def postgres_killed(rig: Rig) -> None:
    """All of its processes at once, as when the machine goes, and once more as soon as it is back."""
    rig.send("postgres", signal.SIGKILL)
    rig.wait(1)
    rig.until("Postgres is back", lambda: rig.is_ready("postgres"), 30)
    rig.wait(1)
    rig.send("postgres", signal.SIGKILL)


def postgres_frozen(rig: Rig) -> None:
    """It takes connections and answers nobody: neither the sink nor those who ask what is left of a budget."""
    with rig.frozen_postgres():
        rig.wait(PAUSED_S)


def stopped_while_postgres_is_frozen(rig: Rig) -> float:
    """A worker and the sink are told to stop in the middle of it, and end in time and well."""
    stopped = {name: rig.process(name) for name in ("process-1", "persist")}
    with rig.frozen_postgres():
        rig.wait(FROZEN_FIRST_S)
        hit_at = time.monotonic()
        for name, process in stopped.items():
            assert process is not None, f"{name} does not run"
            process.send_signal(signal.SIGTERM)
        rig.until(
            "both have stopped", lambda: all(p and p.poll() is not None for p in stopped.values()), STOPS_WITHIN_S
        )
    for name, process in stopped.items():
        if process is not None and process.returncode != 0:
            raise NotInTime(f"told to stop while Postgres is frozen, {name} ended with {process.returncode}")
    return hit_at


def sink_killed_in_transaction(rig: Rig) -> None:
    """Three times: a lock holds the sink up in the middle of its statements, and there it dies."""
    for _ in range(3):
        with contextlib.closing(psycopg2.connect(rig.dsn)) as connection, connection.cursor() as cursor:
            cursor.execute("lock table sessions in exclusive mode")
            rig.until("the sink waits in a transaction", lambda: bool(rig.query(WAITS)), 30)
            rig.send("persist", signal.SIGKILL)
        rig.wait(2)


WAITS: Final = "select from pg_stat_activity where application_name = 'shopstream' and wait_event_type = 'Lock'"


def state_deleted(rig: Rig) -> None:
    """A worker comes back to an empty disk: all it knows is on the changelog."""
    rig.send("process-1", signal.SIGKILL)
    shutil.rmtree(rig.state_of("process-1"))
    rig.state_of("process-1").mkdir()


def rebalances(rig: Rig) -> None:
    """A third worker joins and leaves again and again, now politely and now not, sometimes before it is ready."""
    for number in range(REBALANCES):
        rig.start("process-3")
        joined_at = time.monotonic()
        while not rig.is_ready("process-3") and time.monotonic() < joined_at + 3 * REBALANCE_EVERY_S:
            rig.wait(0.2)
        rig.wait(REBALANCE_EVERY_S if number % 2 else 0.5)
        if number % 2:
            rig.send("process-3", signal.SIGKILL)
        rig.supervisor.stop("process-3")


FAULTS: Final[dict[str, Fault]] = {
    # These first, while the budgets of the day last.
    "postgres-frozen": postgres_frozen,
    "stopped-while-frozen": stopped_while_postgres_is_frozen,
    "sigkill-worker": sigkill_worker,
    "sigkill-both-workers": sigkill_both_workers,
    "sigstop-worker": sigstop_worker,
    "state-deleted": state_deleted,
    "rebalances": rebalances,
    "broker-restart": broker_restart,
    "broker-sigkill": broker_sigkill,
    "broker-paused": broker_paused,
    "postgres-killed": postgres_killed,
    "sink-killed": sink_killed_in_transaction,
}
UNFELT: Final = frozenset({"postgres-frozen", "postgres-killed", "sink-killed"})
"""Faults that no worker may feel: decisions go on as if nothing had happened."""
