"""The HTTP API: scores on demand, the shop's figures, its sessions one by one."""

import asyncio
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from console import views
from console.board import DecisionBoard
from console.bodies import OverviewAnswer, PersonasAnswer, SessionsAnswer, StoryAnswer
from console.database import Database
from console.heatmap import heatmap_operation
from console.operations import Operation
from console.overview import overview
from console.personas import personas_answer
from console.problems import Refused, json_response, read_body
from contracts.http import AnalyticsAnswer, HealthAnswer, PredictAnswer, PredictRequest
from models.predict import PredictRefused
from runtime.health import Check

Predict = Callable[[PredictRequest, datetime], PredictAnswer]

MAX_SESSIONS: Final = 200
KEEP_OVERVIEW: Final = timedelta(seconds=1)
LATENCIES_OF: Final = timedelta(minutes=1)


def api_operations(
    database: Database,
    board: DecisionBoard,
    predict: Predict | None,
    checks: Mapping[str, Check],
    now: Callable[[], datetime],
) -> list[Operation]:
    """All endpoints under `/api` but the decisions. `predict` is None when there is no model to serve."""
    kept: list[OverviewAnswer] = []
    one_at_a_time = asyncio.Lock()

    async def predicted(request: Request) -> Response:
        body = await read_body(request, PredictRequest)
        if predict is None:
            raise Refused(503, "no_model", "no model could be loaded; see the console's log, or `shopstream models`")
        try:
            return json_response(predict(body, now()))
        except PredictRefused as error:
            raise Refused(400, "schema", str(error)) from error

    async def analytics(_: Request) -> Response:
        return json_response(await run_in_threadpool(views.analytics, database))

    async def health(_: Request) -> Response:
        problems = await asyncio.gather(*(run_in_threadpool(check) for check in checks.values()))
        return json_response(
            HealthAnswer(
                status="degraded" if any(problems) or predict is None else "ok",
                model_trained=predict is not None,
                timestamp=now(),
                checks={name: problem or "ok" for name, problem in zip(checks, problems, strict=True)},
            )
        )

    async def sessions(request: Request) -> Response:
        filters, order = session_filters(request)
        return json_response(await run_in_threadpool(views.live_sessions, database, filters, order, now()))

    async def session(request: Request) -> Response:
        session_id = str(request.path_params["session_id"])
        story = None if "\0" in session_id else await run_in_threadpool(views.story, database, session_id)
        if story is None:
            raise Refused(
                404, "no_such_session", "there is no session with this id; it may have been joined to another"
            )
        return json_response(story)

    async def personas(_: Request) -> Response:
        return json_response(personas_answer(await run_in_threadpool(views.persona_rows, database)))

    async def shop(_: Request) -> Response:
        # Ten open pages ask the database no more often than one.
        async with one_at_a_time:
            if not kept or now() - kept[0].as_of > KEEP_OVERVIEW:
                at = now()
                # The board belongs to this thread; a worker thread would look while decisions come in.
                latencies_s = board.latencies_s(at - LATENCIES_OF)
                kept[:] = [await run_in_threadpool(overview, database, latencies_s, at)]
        return json_response(kept[0])

    return [
        Operation(
            "POST",
            "/api/predict",
            predicted,
            "Likelihood, persona and incentive of a session of which only these numbers are known.",
            body=PredictRequest,
            answer=PredictAnswer,
            problems=(400, 413, 503),
        ),
        Operation(
            "GET", "/api/analytics", analytics, "The last 24 hours in five figures.", AnalyticsAnswer, problems=(503,)
        ),
        Operation("GET", "/api/health", health, "Whether what we depend on works.", HealthAnswer),
        Operation(
            "GET",
            "/api/sessions",
            sessions,
            "Sessions in progress.",
            SessionsAnswer,
            query={
                "limit": f"How many, 1 to {MAX_SESSIONS}; 50 unless told.",
                "order": f"{', '.join(views.ORDERS)}; recent unless told.",
                "persona": "Only this persona.",
                "device_type": "Only this device type.",
                "channel": "Only this channel.",
                "visitor_id": "Only this visitor.",
                "min_likelihood": "Only sessions at least this likely to buy, 0 to 1.",
            },
            problems=(400, 503),
        ),
        Operation(
            "GET",
            "/api/sessions/{session_id}",
            session,
            "One shopper's whole story.",
            StoryAnswer,
            problems=(404, 503),
        ),
        Operation(
            "GET", "/api/personas", personas, "The five personas and who has them.", PersonasAnswer, problems=(503,)
        ),
        heatmap_operation(database, now),
        Operation(
            "GET", "/api/overview", shop, "Totals and chart figures of the live page.", OverviewAnswer, problems=(503,)
        ),
    ]


def session_filters(request: Request) -> tuple[dict[str, Any], str]:
    """The select's values and the order's name. Raises `Refused`."""
    asked = request.query_params
    order = asked.get("order", "recent")
    if order not in views.ORDERS:
        raise Refused(400, "schema", f"`order` takes one of {', '.join(views.ORDERS)}")
    filters: dict[str, Any] = {
        "limit": int(_number(asked.get("limit"), "limit", 1, MAX_SESSIONS, default=50)),
        "min_likelihood": _number(asked.get("min_likelihood"), "min_likelihood", 0, 1, default=None),
    }
    for name in ("persona", "device_type", "channel", "visitor_id"):
        filters[name] = asked.get(name) or None
        if "\0" in (filters[name] or ""):
            raise Refused(400, "schema", f"`{name}` has a NUL character in it")
    return filters, order


def _number(text: str | None, name: str, low: float, high: float, *, default: Any) -> Any:
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise Refused(400, "schema", f"`{name}` takes a number from {low} to {high}")
    return value
