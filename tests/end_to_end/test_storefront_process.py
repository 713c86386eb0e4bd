"""The storefront as a process: it stops cleanly when asked to, and says what to do when its port is taken."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

SERVE = (
    "import sys; from runtime.settings import StorefrontSettings; from storefront.serve import serve; "
    "sys.exit(serve(StorefrontSettings(port=int(sys.argv[1]))))"
)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(port: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", SERVE, str(port)], stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_success(port: int, number: signal.Signals) -> None:
    process = started(port)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez") as answer:
                assert answer.read() == b"ok"
            break
        except OSError:
            time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=15)
    assert process.returncode == 0, said
    assert "Traceback" not in said


def test_a_signal_while_it_starts_ends_it_too(port: int) -> None:
    hurried = (
        "import os, signal; from storefront import serve as module; make = module.storefront; "
        "module.storefront = lambda settings: os.kill(os.getpid(), signal.SIGTERM) or make(settings); "
    )
    ended = subprocess.run([sys.executable, "-c", hurried + SERVE, str(port)], timeout=15, check=False)
    assert ended.returncode == 0


def test_a_taken_port_is_told_in_a_sentence(port: int) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        process = started(port)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "set SHOPSTREAM_STOREFRONT_PORT to a free port" in said
    assert "Traceback" not in said
