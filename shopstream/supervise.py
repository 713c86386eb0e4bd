"""Keeps a set of processes running: starts them, waits until they are ready, restarts what dies, stops them in order.

Linux ends a child when the *thread* that started it ends, so a `Supervisor` belongs to the main thread.
"""

import functools
import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from runtime.health import Check
from runtime.stopping import die_with_parent

AT_ONCE_S: Final = 10.0
"""A process that ended sooner than this after its start died at once."""
GIVE_UP_AFTER: Final = 5
"""Deaths at once, in a row, after which another start is pointless."""
NEVER_WORKS: Final = 2
"""Exit code of a command that was called wrongly: starting it again changes nothing."""
LONGEST_WAIT_S: Final = 10.0

Say = Callable[[str], None]
State = Literal["starting", "ready", "restarting", "stopped"]


class ServiceFailed(RuntimeError):
    """A service cannot be kept running; the text names it, how it ended and its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process to keep running."""

    name: str
    command: tuple[str, ...]
    log: Path
    ready: Check
    environ: Mapping[str, str] | None = None
    """None means the environment of this process."""
    folder: Path | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What Linux sends when the supervisor itself was killed; nobody is left then to enforce a deadline."""
    stop_within_s: float = 10.0
    is_restarted: bool = True


@dataclass(slots=True)
class Watched:
    """What became of a service so far."""

    service: Service
    process: subprocess.Popen[bytes] | None = None
    state: State = "starting"
    launched_at: float = 0.0
    restart_at: float = 0.0
    restarts: int = 0
    deaths_at_once: int = 0
    answer: Future[str | None] | None = None
    """The readiness check under way."""
    ask_at: float = 0.0
    problem: str = "it was not asked yet"
    """Why it was not ready when last asked."""


class Supervisor:
    """Runs services; all methods are called from the main thread, `watch` often (it never blocks)."""

    def __init__(self, say: Say, on_ready: Callable[[Watched, float], None] = lambda _watched, _seconds: None) -> None:
        self._say = say
        self._on_ready = on_ready
        self._runs: dict[str, Watched] = {}
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="ready")

    def runs(self) -> tuple[Watched, ...]:
        return tuple(self._runs.values())

    def start(self, service: Service) -> None:
        """Start a process; returns at once."""
        run = self._runs[service.name] = Watched(service)
        self._launch(run)

    def watch(self) -> None:
        """Notice what died or became ready, and start again what is due; raises `ServiceFailed` when that is pointless."""
        now = time.monotonic()
        for run in self._runs.values():
            if run.process is not None and (code := run.process.poll()) is not None:
                self._died(run, code, now)
            elif run.state == "restarting" and run.process is None and now >= run.restart_at:
                self._launch(run)
            elif run.process is not None and run.state in ("starting", "restarting"):
                self._ask(run, now)

    def wait_until_ready(self, timeout_s: float, stop: threading.Event, *names: str) -> bool:
        """Return once the named services (or all) are ready, watching meanwhile; False when `stop` was set first.

        Raises `ServiceFailed` when one dies repeatedly or is not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        wanted = [self._runs[name] for name in names or self._runs]
        while waiting := [run for run in wanted if run.state in ("starting", "restarting")]:
            if stop.wait(0.02):
                return False
            self.watch()
            if time.monotonic() > deadline:
                run = waiting[0]
                raise ServiceFailed(
                    f"{run.service.name} is not ready after {timeout_s:g} s: {run.problem}; its log is {run.service.log}"
                )
        return True

    def stop(self, name: str, at_most_s: float = math.inf) -> None:
        """Ask a process to stop, and kill it (with all it started) when its deadline, or `at_most_s`, has passed."""
        run = self._runs[name]
        run.state = "stopped"
        if run.process is None or run.process.poll() is not None:
            return
        service, process = run.service, run.process
        within_s = min(service.stop_within_s, at_most_s)
        process.send_signal(service.stop_signal)
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            # Its group's id stays its own until we reap it, so this cannot hit a stranger.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._say(f"{name} did not stop within {within_s:g} s and was killed; its log is {service.log}")

    def stop_all(self, order: Sequence[str] = (), at_most_s: float = math.inf) -> None:
        """Stop what still runs: in the given order, then the last one started first."""
        for name in dict.fromkeys((*order, *reversed(self._runs))):
            if name in self._runs:
                self.stop(name, at_most_s)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _launch(self, run: Watched) -> None:
        service = run.service
        with service.log.open("ab") as output:
            run.process = subprocess.Popen(
                service.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=service.environ,
                cwd=service.folder,
                user=service.user,
                # A session of its own: Ctrl-C at the terminal reaches only the supervisor, which stops all in order.
                start_new_session=True,
                preexec_fn=functools.partial(die_with_parent, service.orphan_signal),
            )
        run.launched_at = run.ask_at = time.monotonic()

    def _ask(self, run: Watched, now: float) -> None:
        if run.answer is None:
            if now >= run.ask_at:
                run.answer = self._pool.submit(run.service.ready)
        elif run.answer.done():
            problem = run.answer.result()
            run.answer = None
            # Often at first, then less: a check costs the service work that it needs for starting.
            run.ask_at = now + min(0.3, 0.1 * (now - run.launched_at))
            if problem is None:
                run.state = "ready"
                self._on_ready(run, now - run.launched_at)
            else:
                run.problem = problem

    def _died(self, run: Watched, code: int, now: float) -> None:
        run.process = run.answer = None
        if run.state == "stopped":
            return
        lived_s = now - run.launched_at
        run.deaths_at_once = run.deaths_at_once + 1 if lived_s < AT_ONCE_S else 0
        name, log = run.service.name, run.service.log
        ending = f"{name} {_how(code)} {lived_s:.1f} s after its start"
        run.state = "stopped"
        if not run.service.is_restarted:
            raise ServiceFailed(f"{ending} and cannot be restarted without losing what it held; its log is {log}")
        if code == NEVER_WORKS:
            raise ServiceFailed(f"{ending}; its log is {log} and ends: {last_line(log)}")
        if run.deaths_at_once >= GIVE_UP_AFTER:
            raise ServiceFailed(
                f"{ending}, {run.deaths_at_once} times in a row; its log is {log} and ends: {last_line(log)}"
            )
        wait_s = wait_before_restart_s(run.deaths_at_once)
        run.state, run.restart_at = "restarting", now + wait_s
        run.restarts += 1
        when = f"in {wait_s:g} s" if wait_s else "now"
        self._say(f"{ending}; starting it again {when}; its log is {log}")


def wait_before_restart_s(deaths_at_once: int) -> float:
    """Nothing after a long life, then doubling with each death at once."""
    return 0.0 if deaths_at_once == 0 else min(0.25 * 2.0 ** (deaths_at_once - 1), LONGEST_WAIT_S)


def last_line(log: Path) -> str:
    """The last line with text in the last 4 KB of a log, "" when there is none."""
    with suppress(OSError), log.open("rb") as source:
        source.seek(max(0, log.stat().st_size - 4096))
        lines = [line.strip() for line in source.read().decode(errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "")
    return ""


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


@contextmanager
def running(service: Service, *, timeout_s: float = 30.0) -> Iterator[None]:
    """Run one service for the length of a `with` block, ready from its first line."""
    supervisor = Supervisor(say=lambda _text: None)
    supervisor.start(service)
    try:
        supervisor.wait_until_ready(timeout_s, threading.Event())
        yield
    finally:
        supervisor.stop_all()
