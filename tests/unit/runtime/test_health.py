"""What `/readyz` makes of checks."""

import pytest
from starlette.applications import Starlette

from runtime.health import Check, degraded_while, health_routes
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
