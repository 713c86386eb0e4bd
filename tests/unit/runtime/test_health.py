"""What `/readyz` makes of checks."""

import socket
from urllib.request import urlopen

import pytest
from starlette.applications import Starlette

from runtime.health import CannotListen, Check, HealthServer, degraded_while, health_routes
from shopstream.failures import sentence_of
from shopstream.ports import free_port
from tests.asgi import Asked, ask


def ready(**checks: Check) -> Asked:
    return ask(Starlette(routes=health_routes(checks)), "GET", "/readyz")


def test_a_service_is_ready_while_no_check_finds_a_problem() -> None:
    assert ready(kafka=lambda: None).status == 200
    answer = ready(kafka=lambda: "no broker answers", spool=lambda: None)
    assert (answer.status, answer.json) == (503, {"kafka": "no broker answers", "spool": "ok"})


@pytest.mark.parametrize(
    ("other", "status", "said"), [(None, 200, "degraded: no broker answers"), ("it is full", 503, "no broker answers")]
)
def test_a_problem_only_degrades_a_service_while_something_else_does_the_work(
    other: str | None, status: int, said: str
) -> None:
    answer = ready(kafka=degraded_while(lambda: other, lambda: "no broker answers"))
    assert (answer.status, answer.json) == (status, {"kafka": said})


def test_a_service_whose_port_is_taken_does_not_start_unseen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            CannotListen, match=f"nothing can listen on 127.0.0.1 port {port}: Address already in use"
        ) as told:
            HealthServer("127.0.0.1", port, {}).start()
    assert sentence_of(told.value) is not None


def test_a_service_that_starts_again_at_once_gets_its_port_back() -> None:
    port = free_port()
    for _ in range(2):
        health = HealthServer("127.0.0.1", port, {"kafka": lambda: None})
        health.start()
        assert urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10).status == 200
        health.stop()
