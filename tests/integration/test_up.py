"""`shopstream up`: the whole pipeline as people start it, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from shopstream.run_folder import environ_of_run

REES46 = """\
event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,541312140,72d76fde-8bb3-4e00-8c23-a032dfed738c
2019-10-01 00:00:09 UTC,cart,44600062,2103807459595387724,,shiseido,35.79,541312140,72d76fde-8bb3-4e00-8c23-a032dfed738c
"""

SERVICES = ("storefront", "ingest", "process", "persist", "console")


class Up:
    """A running `shopstream up` in a folder of its own, on ports of its own."""

    def __init__(self, folder: Path, *options: str, **environ: str) -> None:
        self.folder = folder
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")},
            **{f"SHOPSTREAM_{service.upper()}_PORT": str(free_port()) for service in SERVICES},
            **environ,
        }
        self.output = folder / "output"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "shopstream", "up", *options],
                cwd=folder,
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def text(self) -> str:
        return self.output.read_text()

    def until(self, words: str, within_s: float = 60) -> None:
        self.wait(lambda: words in self.text(), within_s)

    def wait(self, holds: Callable[[], bool], within_s: float = 60) -> None:
        deadline = time.monotonic() + within_s
        while not holds():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.1)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command in the same folder, which is told nothing."""
        command = [sys.executable, "-m", "shopstream", *arguments]
        environ = {name: value for name, value in self.environ.items() if not name.startswith("SHOPSTREAM_")}
        return subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=60, check=False
        )

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def service(self, name: str) -> psutil.Process:
        return next(each for each in self.processes() if each.cmdline()[-3:] == ["-m", "shopstream", name])

    def data(self) -> Path:
        return Path(json.loads((self.folder / ".shopstream" / "lock").read_text())["data"])

    def ask(self, question: str) -> Any:
        """The one value that a select answers."""
        connection = psycopg2.connect(environ_of_run(self.folder / ".shopstream")["SHOPSTREAM_POSTGRES_DSN"])
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(question)
                return (cursor.fetchone() or (None,))[0]
        finally:
            connection.close()


@contextmanager
def up(folder: Path, *options: str, **environ: str) -> Iterator[Up]:
    running = Up(folder, *options, **environ)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def assert_nothing_is_left(folder: Path, processes: list[psutil.Process], data: Path) -> None:
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    assert not data.exists()
    assert [path.name for path in (folder / ".shopstream").iterdir()] == ["logs"]
    assert not [path for path in folder.iterdir() if path.is_dir() and path.name != ".shopstream"]


def test_every_event_is_accounted_for_although_the_worker_and_the_sink_are_killed(
    tmp_path: Path, database: str, broker: KafkaSettings
) -> None:
    given = {"SHOPSTREAM_KAFKA_BROKERS": ",".join(broker.brokers), "SHOPSTREAM_POSTGRES_DSN": database}
    given["SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S"] = "6"
    with up(tmp_path, "--shoppers", "6", "--seconds", "14", "--report", "out.json", **given) as running:
        running.until("first decision")
        for name in ("process", "persist"):
            running.service(name).kill()
            running.until(f"{name} is ready again")
        assert running.process.wait(120) == 0, running.text()
    report = json.loads((tmp_path / "out.json").read_text())
    events = report["events"]
    assert events["sent"] == events["acknowledged"] == events["stored"] + events["dead_lettered"] > 50
    assert (events["lost"], events["duplicates"], events["failed"]) == (0, 0, 0)
    assert report["restarts"] == {"process": 1, "persist": 1}
    assert report["servers"] == {"kafka": "external", "postgres": "external"}
    assert report["sessions"] > 0
    assert report["decisions"] > 0
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p95"] <= report["latency_ms"]["p99"]
    assert 0 < report["seconds_to_first_decision"] < report["seconds_from_start"]


def test_while_it_runs_other_commands_find_it_and_at_the_end_nothing_is_left(tmp_path: Path) -> None:
    with up(tmp_path, "--shoppers", "3") as running:
        running.until("first decision")
        processes, data = running.processes(), running.data()
        assert len(processes) >= len(SERVICES) + 3  # broker, Postgres and shoppers

        doctor = running.run("doctor")
        assert doctor.returncode == 0, doctor.stdout
        assert "problem" not in doctor.stdout

        second = running.run("up")
        assert second.returncode == 1
        assert f"process {running.process.pid}" in second.stderr

        (tmp_path / "log.csv").write_text(REES46)
        replayed = running.run("replay", "log.csv", "--format", "rees46")
        assert "2 rows held 2 events. 2 were sent" in replayed.stdout, replayed.stderr
        crowd = running.run("shoppers", "--count", "2", "--pace", "50", "--report", "crowd.json")
        assert "2 visits sent" in crowd.stdout, crowd.stderr
        assert json.loads((tmp_path / "crowd.json").read_text())["failed"] == 0

        running.wait(lambda: running.ask("select count(*) from predictions") > 0)
        told = running.run("explain", running.ask("select session_id from predictions limit 1"))
        assert told.returncode == 0, told.stderr
        assert "likely to buy" in told.stdout
        stored = "(select count(*) from events where events.session_id = predictions.session_id)"
        moments = f"select session_id || ' ' || event_count from predictions where event_count <= {stored} limit 1"
        running.wait(lambda: running.ask(moments) is not None)
        session_id, at = running.ask(moments).split()
        told = running.run("explain", session_id, "--at", at)
        assert f"session {session_id}" in told.stdout, told.stderr
        assert f"after event {at} of" in told.stdout
        assert "recorded then" in told.stdout
        beyond = running.run("explain", session_id, "--at", "1000000")
        assert "--at takes 1 to" in beyond.stderr
        traced = running.run("trace", running.ask("select caused_by from predictions limit 1"))
        assert "stored, session" in traced.stdout
        assert "likelihood" in traced.stdout

        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(60) == 0, running.text()
        assert "was killed" not in running.text()
        assert_nothing_is_left(tmp_path, processes, data)


def test_a_killed_run_leaves_no_process_and_the_next_one_starts(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.until("Shopstream is up")
        processes, data = running.processes(), running.data()
        running.process.kill()
        running.process.wait()
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    with up(tmp_path, "--seconds", "1") as running:
        assert running.process.wait(60) == 0, running.text()
    assert_nothing_is_left(tmp_path, [], data)


def test_a_taken_port_is_named_with_the_setting_that_changes_it(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        up(tmp_path, SHOPSTREAM_CONSOLE_PORT=str(taken.getsockname()[1])) as running,
    ):
        assert running.process.wait(20) == 1
        assert "choose another port with SHOPSTREAM_CONSOLE_PORT" in running.text()
    assert not (tmp_path / ".shopstream" / "lock").exists()


def test_a_run_stopped_before_it_began_does_not_pass_for_one_that_lost_nothing(tmp_path: Path) -> None:
    with up(tmp_path, "--seconds", "5", "--shoppers", "1", "--report", "out.json") as run:
        run.wait(lambda: (tmp_path / ".shopstream" / "lock").exists())
        run.wait(lambda: len(run.processes()) > 0)
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(30) == 1
        assert "there is no account of it" in run.text()


def test_when_the_broker_in_memory_dies_the_run_ends_and_says_why(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.until("Shopstream is up")
        processes, data = running.processes(), running.data()
        next(each for each in processes if "broker" in each.cmdline()).kill()
        assert running.process.wait(60) == 1
        assert "broker was ended by SIGKILL" in running.text()
        assert "cannot be restarted without losing what it held" in running.text()
    assert_nothing_is_left(tmp_path, processes, data)
