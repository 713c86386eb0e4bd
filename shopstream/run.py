"""One run of the whole pipeline: what `shopstream up` does, from the first process to the last."""

import contextlib
import math
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import psycopg2

from runtime.settings import IngestSettings
from shopstream.account import Account, Sent, counted, report_of
from shopstream.display import Display
from shopstream.failures import CommandFailed
from shopstream.pipeline import ON_KAFKA, ON_POSTGRES, STOP_ORDER, Pipeline, service, without_password
from shopstream.probes import figures_at
from shopstream.run_folder import RunFolder
from shopstream.servers import READY_WITHIN_S, Servers, servers_for, start_kafka, start_postgres
from shopstream.status import Watcher, is_caught_up
from shopstream.supervise import Service, Supervisor, Watched
from shopstream.written import write_whole
from sql.connection import PostgresUnreachable, connect

TICK_S: Final = 0.1
CATCH_UP_S: Final = 20.0
"""How long a step may take to finish what waits for it, when all are asked to stop."""
NO_PROGRESS_S: Final = 30.0
"""Acknowledged events that reach Postgres no further for so long will not."""
SHOPPERS_STOP_S: Final = 45.0
"""Longer than shoppers try to get their last events acknowledged."""
PROCESS_STOP_S: Final = 20.0
BROKEN_STOP_S: Final = 4.0
SPOOL_DIR: Final = IngestSettings.variable("spool_dir")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    shoppers: int = 0
    seconds: float | None = None
    """None means until stopped."""
    report: Path | None = None
    pace: float = 1.0
    seed: int | None = None

    @property
    def is_accounted(self) -> bool:
        """Whether every event must be found again at the end."""
        return self.shoppers > 0 and (self.seconds is not None or self.report is not None)


class PipelineRun:
    """Starts, watches and ends everything. `stop` may be set at any moment, by a signal or by us."""

    def __init__(
        self,
        options: RunOptions,
        environ: Mapping[str, str],
        folder: RunFolder,
        display: Display,
        stop: threading.Event,
    ) -> None:
        self._options = options
        self._environ = environ
        self._folder = folder
        self._display = display
        self._stop = stop
        self._pipeline = Pipeline.from_environ(environ)
        self._supervisor = Supervisor(display.say, display.ready)
        self._began = time.monotonic()
        self._started_at = datetime.now(UTC)
        self._has_decided = False

    def run(self) -> None:
        """Returns when all is stopped and every event accounted for. Raises what stopped it otherwise."""
        self._pipeline.require_free_ports()
        try:
            self._display.begin()
            servers = servers_for(self._environ)
            if not self._start(servers):
                if self._options.is_accounted:
                    raise CommandFailed("stopped before all was ready: nothing was sent, and there is no account of it")
                return
            watcher = Watcher(self._pipeline.urls(), servers.postgres.dsn)
            watcher.start()
            try:
                self._watch(watcher)
            finally:
                watcher.stop()
                self._display.settle()
            self._wind_down(servers)
        except BaseException:
            # Something is broken already: what depends on it may wait for it in vain.
            self._supervisor.stop_all(STOP_ORDER, BROKEN_STOP_S)
            raise
        finally:
            self._supervisor.stop_all(STOP_ORDER)

    def _start(self, servers: Servers) -> bool:
        """Start servers and services side by side, as early as each can be; False when asked to stop meanwhile."""
        if servers.broker_port is None:
            self._display.say(f"looking for Kafka at {', '.join(servers.kafka.brokers)}")
        if not start_kafka(servers, self._supervisor, self._folder, self._stop):
            return False
        self._start_services(servers, ON_KAFKA)
        if not start_postgres(servers, self._supervisor, self._folder, self._stop):
            return False
        self._start_services(servers, ON_POSTGRES)
        self._folder.announce({**servers.reach(), **self._pipeline.places()})
        if not self._supervisor.wait_until_ready(READY_WITHIN_S, self._stop):
            return False
        self._display.addresses(self._addresses(servers), time.monotonic() - self._began)
        if self._options.shoppers:
            self._supervisor.start(self._shoppers(servers))
        return True

    def _start_services(self, servers: Servers, names: Sequence[str]) -> None:
        settings = self._pipeline.services()
        # Faust makes a data folder where it is started, though its store is in memory.
        environ = {
            "APP_DATADIR": str(self._folder.data / "faust"),
            SPOOL_DIR: str(self._spool(servers)),
            **servers.environ,
        }
        for name in names:
            each = service(name, settings[name], self._folder, environ)
            self._supervisor.start(replace(each, stop_within_s=PROCESS_STOP_S) if name == "process" else each)

    def _spool(self, servers: Servers) -> Path:
        # The embedded broker takes its events with it, so what waits for it must not wait for the next one.
        return self._folder.spool if servers.broker_port is None else self._folder.data / "spool"

    def _addresses(self, servers: Servers) -> dict[str, str]:
        urls, kinds = self._pipeline.urls(), servers.kinds()
        return {
            "shop": urls["storefront"],
            "console": urls["console"],
            "ingest": f"{urls['ingest']}/v1/batch",
            "metrics": "  ".join(f"{url}/metrics" for name, url in urls.items() if name != "storefront"),
            "Kafka": f"{', '.join(servers.kafka.brokers)} ({kinds['kafka']})",
            "Postgres": f"{without_password(servers.postgres.dsn)} ({kinds['postgres']})",
            "logs": str(self._folder.logs),
        }

    def _shoppers(self, servers: Servers) -> Service:
        options, urls = self._options, self._pipeline.urls()
        command = [
            sys.executable,
            "-m",
            "shopstream",
            "shoppers",
            "--url",
            urls["ingest"],
            "--console",
            urls["console"],
        ]
        command += ["--at-once", str(options.shoppers), "--pace", str(options.pace), "--report", str(self._sent_file)]
        command += [] if options.seed is None else ["--seed", str(options.seed)]
        return Service(
            name="shoppers",
            command=tuple(command),
            log=self._folder.log("shoppers"),
            ready=lambda: None if self._sent_file.exists() else "nobody has come in yet",
            environ=servers.environ,
            stop_within_s=SHOPPERS_STOP_S,
            # A second crowd would begin its count anew, and what the first one sent could not be accounted for.
            is_restarted=not options.is_accounted,
        )

    @property
    def _sent_file(self) -> Path:
        return self._folder.data / "shoppers.json"

    def _watch(self, watcher: Watcher) -> None:
        """Until somebody asks to stop, or the seconds are over."""
        began = time.monotonic()
        seconds = self._options.seconds
        while not self._stop.wait(TICK_S):
            self._supervisor.watch()
            lasted = time.monotonic() - began
            if seconds is not None and lasted >= seconds:
                return
            status = watcher.status
            if not self._has_decided and status.decisions and status.latest is not None:
                self._has_decided = True
                after_s = time.monotonic() - self._began
                self._display.say(f"first decision, {after_s:.1f} s after starting: {status.latest}")
            clock = f"{lasted:.0f} s" if seconds is None else f"{lasted:.0f} of {seconds:g} s"
            self._display.show(status, sorted(self._supervisor.runs(), key=_place), clock)

    def _wind_down(self, servers: Servers) -> None:
        """Stop in hop order, each step after it has finished what the step before left; then account for every event."""
        self._display.say("stopping: no new events, then each step finishes what waits for it")
        sent = self._sent_by_shoppers() if self._options.shoppers else None
        if sent is not None and self._options.is_accounted:
            self._wait_until_stored(servers, sent)
        for name in ("storefront", "ingest"):
            self._supervisor.stop(name)
        has_finished = True
        for name in ("process", "persist"):
            has_finished &= self._wait_until_caught_up(name)
            self._supervisor.stop(name)
        if has_finished:
            self._display.say("stopped: every event that was taken is stored")
        if sent is not None and self._options.is_accounted:
            self._settle_account(servers, sent)

    def _sent_by_shoppers(self) -> Sent | None:
        self._supervisor.stop("shoppers")
        try:
            return msgspec.json.decode(self._sent_file.read_bytes(), type=Sent)
        except FileNotFoundError:
            if self._options.is_accounted:
                raise CommandFailed(
                    f"the shoppers did not say what they sent; their log is {self._folder.log('shoppers')}"
                ) from None
            return None

    def _account(self, servers: Servers, sent: Sent) -> Account:
        connection = connect(servers.postgres.dsn)
        try:
            return Account(sent, counted(connection, f"{sent.run_prefix}-", self._started_at - timedelta(minutes=1)))
        finally:
            connection.close()

    def _wait_until_stored(self, servers: Servers, sent: Sent) -> None:
        fewest, moved_at = sent.acknowledged + 1, time.monotonic()
        while fewest > 0:
            # A Postgres that is starting again may be away for a moment.
            with contextlib.suppress(PostgresUnreachable, psycopg2.Error):
                if (lost := self._account(servers, sent).lost) < fewest:
                    fewest, moved_at = lost, time.monotonic()
            if time.monotonic() - moved_at > NO_PROGRESS_S:
                self._display.say(f"{fewest} events have not reached Postgres and nothing moves; going on without them")
                return
            self._pause(0.3)

    def _wait_until_caught_up(self, step: str) -> bool:
        """A run that accounts for its events waits as long as something moves; another one has its deadline, and may miss it."""
        url = self._pipeline.urls()[step]
        patience_s = NO_PROGRESS_S if self._options.is_accounted else CATCH_UP_S
        least, since = math.inf, time.monotonic()
        while not is_caught_up(step, figures := figures_at(url)):
            lag = math.inf if figures is None else figures.get(f"{step}_lag_records", math.inf)
            if lag < least and self._options.is_accounted:
                least, since = lag, time.monotonic()
            if time.monotonic() - since > patience_s:
                self._display.say(f"{step} has not caught up; what is left waits in Kafka")
                return False
            self._pause(0.2)
        return True

    def _pause(self, seconds: float) -> None:
        """Let time pass without leaving the services alone."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._supervisor.watch()
            time.sleep(0.05)

    def _settle_account(self, servers: Servers, sent: Sent) -> None:
        """Write the report. Raises `CommandFailed` with the numbers when an event is missing or double."""
        account = self._account(servers, sent)
        restarts = {each.service.name: each.restarts for each in self._supervisor.runs() if each.restarts}
        report = report_of(account, started_at=self._started_at, servers=servers.kinds(), restarts=restarts)
        if self._options.report is not None:
            write_whole(self._options.report, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
        if (problem := account.problem()) is not None:
            raise CommandFailed(problem)
        latency = {name: "–" if value is None else f"{value:g}" for name, value in sent.latency_ms.items()}
        self._display.say(
            f"every event is accounted for: {sent.sent} sent, {sent.acknowledged} acknowledged, "
            f"{account.counted.stored} stored once, {account.counted.dead_lettered} dead-lettered"
            f"{f', {account.counted.erased} erased' if account.counted.erased else ''}; "
            f"{account.counted.sessions} sessions, {account.counted.decisions} decisions, "
            f"latency p50 {latency.get('p50')} ms, p99 {latency.get('p99')} ms"
        )


def _place(watched: Watched) -> int:
    return STOP_ORDER.index(watched.service.name)
