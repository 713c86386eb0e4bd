"""Supervision, with small real child processes."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import shopstream.supervise as supervise
from shopstream.supervise import Service, ServiceFailed, Supervisor, last_line, wait_before_restart_s

SLEEP = "import time; time.sleep(60)"


class Stage:
    """A supervisor whose services are one-liners, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.ready: list[str] = []
        self.supervisor = Supervisor(self.said.append, lambda run, _s: self.ready.append(run.service.name))

    def start(self, name: str, program: str = SLEEP, **options: object) -> None:
        settings: dict[str, object] = {"ready": lambda: None, "stop_within_s": 5.0, **options}
        command = (sys.executable, "-S", "-c", program)
        self.supervisor.start(Service(name=name, command=command, log=self.folder / f"{name}.log", **settings))  # type: ignore[arg-type]

    def pid(self, name: str) -> int:
        process = next(run.process for run in self.supervisor.runs() if run.service.name == name)
        assert process is not None
        return process.pid

    def watch_until(self, holds: Callable[[], bool], within_s: float = 10) -> None:
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, self.said
            self.supervisor.watch()
            time.sleep(0.02)

    def wait(self, within_s: float = 10) -> bool:
        return self.supervisor.wait_until_ready(within_s, threading.Event())


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.supervisor.stop_all()


def test_services_become_ready_in_parallel_and_say_so(stage: Stage, tmp_path: Path) -> None:
    for name in ("ingest", "process"):
        sign = tmp_path / f"{name}.ready"
        stage.start(name, f"open({str(sign)!r}, 'w').close(); {SLEEP}", ready=_exists(sign))
    assert stage.wait()
    assert sorted(stage.ready) == ["ingest", "process"]


def test_a_service_that_is_not_ready_in_time_is_named_with_its_problem_and_its_log(stage: Stage) -> None:
    stage.start("persist", ready=lambda: "Postgres does not answer")
    with pytest.raises(
        ServiceFailed, match=r"persist is not ready after 0.3 s: Postgres does not answer; .*persist.log"
    ):
        stage.wait(within_s=0.3)


def test_waiting_ends_when_somebody_asks_to_stop(stage: Stage) -> None:
    stage.start("persist", ready=lambda: "not yet")
    stop = threading.Event()
    stop.set()
    assert not stage.supervisor.wait_until_ready(10, stop)


def test_a_service_killed_with_sigkill_is_started_again(stage: Stage) -> None:
    stage.start("process")
    stage.wait()
    killed = stage.pid("process")
    os.kill(killed, signal.SIGKILL)
    stage.watch_until(lambda: len(stage.ready) == 2)
    assert stage.pid("process") != killed
    assert "process was ended by SIGKILL" in stage.said[0]
    assert "starting it again" in stage.said[0]


def test_a_service_that_dies_at_once_again_and_again_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "LONGEST_WAIT_S", 0.01)
    stage.start("process", "raise SystemExit('the model is missing')", ready=lambda: "not yet")
    with pytest.raises(
        ServiceFailed, match=r"process ended with exit code 1 .* 5 times in a row; .*the model is missing"
    ):
        stage.wait(within_s=20)
    assert len(stage.said) == 4


def test_a_service_that_was_called_wrongly_is_given_up_at_once(stage: Stage) -> None:
    stage.start("console", "import sys; print('no such setting', file=sys.stderr); sys.exit(2)", ready=lambda: "no")
    with pytest.raises(ServiceFailed, match=r"exit code 2 .* no such setting"):
        stage.wait()


def test_a_service_that_holds_what_cannot_be_rebuilt_is_not_restarted(stage: Stage) -> None:
    stage.start("broker", is_restarted=False)
    stage.wait()
    os.kill(stage.pid("broker"), signal.SIGKILL)
    with pytest.raises(ServiceFailed, match=r"broker was ended by SIGKILL .* cannot be restarted"):
        stage.watch_until(lambda: False)


def test_services_stop_in_the_reverse_of_the_order_they_started_in(stage: Stage, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("broker", "ingest", "shoppers"):
        stage.start(name, _recording(name, order), ready=_exists(tmp_path / f"{name}.up"))
    stage.wait()
    stage.supervisor.stop_all()
    assert order.read_text().split() == ["shoppers", "ingest", "broker"]


def test_a_child_that_ignores_sigterm_is_killed_at_its_deadline_with_what_it_started(
    stage: Stage, tmp_path: Path
) -> None:
    sign = tmp_path / "grandchild"
    program = f"""
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        grandchild = subprocess.Popen([sys.executable, "-S", "-c", {SLEEP!r}])
        with open({str(sign) + ".part"!r}, "w") as note:
            note.write(str(grandchild.pid))
        import os; os.rename({str(sign) + ".part"!r}, {str(sign)!r})
        time.sleep(60)
    """
    stage.start("process", textwrap.dedent(program), ready=_exists(sign), stop_within_s=0.2)
    stage.wait()
    child, grandchild = stage.pid("process"), int(sign.read_text())
    stage.supervisor.stop_all()
    assert not psutil.pid_exists(child)
    assert _ends(grandchild)
    assert "process did not stop within 0.2 s and was killed" in stage.said[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_killing_the_supervisor_leaves_no_child(tmp_path: Path) -> None:
    program = f"""
        import sys, threading
        from pathlib import Path
        from shopstream.supervise import Service, Supervisor
        supervisor = Supervisor(print)
        for number in range(3):
            stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
            supervisor.start(Service(name=str(number), command=(sys.executable, "-S", "-c", stubborn),
                                     log=Path({str(tmp_path)!r}) / "log", ready=lambda: None))
        print(*(run.process.pid for run in supervisor.runs()), flush=True)
        threading.Event().wait()
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(children) == 3
        parent.kill()
    assert all(_ends(child) for child in children)


def test_the_wait_before_a_restart_doubles_and_is_bounded() -> None:
    assert [wait_before_restart_s(deaths) for deaths in range(5)] == [0.0, 0.25, 0.5, 1.0, 2.0]
    assert wait_before_restart_s(50) == supervise.LONGEST_WAIT_S


def test_the_last_line_of_a_log_is_its_last_line_with_text(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("first\nlast words\n\n")
    assert last_line(tmp_path / "log") == "last words"
    assert last_line(tmp_path / "missing") == ""


def _exists(sign: Path) -> Callable[[], str | None]:
    return lambda: None if sign.exists() else f"{sign.name} is missing"


def _recording(name: str, order: Path) -> str:
    return textwrap.dedent(f"""
        import signal, time
        def end(*_):
            with open({str(order)!r}, "a") as note:
                note.write({name!r} + "\\n")
            raise SystemExit
        signal.signal(signal.SIGTERM, end)
        open({str(order.parent / f"{name}.up")!r}, "w").close()
        time.sleep(60)
    """)


def _ends(pid: int, within_s: float = 5) -> bool:
    """Whether a process that is not our child goes away; one that waits for its new parent to reap it is gone."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
