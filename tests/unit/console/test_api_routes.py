"""The API, as far as it goes without a database."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from starlette.applications import Starlette

from contracts.http import PredictAnswer, PredictRequest
from models.predict import PredictRefused
from tests.asgi import ask

MakeApp = Callable[..., Starlette]
Predict = Callable[[PredictRequest, datetime], PredictAnswer]
ASKED = {
    "session_id": "s1",
    "time_on_site": 120.5,
    "pages_visited": 7,
    "cart_value": 80.0,
    "previous_purchases": 0,
    "device_type": "mobile",
}


def test_predict_answers_the_body_of_the_earlier_system_and_more(make_app: MakeApp, predict: Predict) -> None:
    answer = ask(make_app(predict=predict), "POST", "/api/predict", json.dumps(ASKED).encode())
    assert answer.status == 200
    assert answer.json == {
        "session_id": "s1",
        "timestamp": "2026-03-02T12:00:00Z",
        "prediction": {"will_buy": False, "confidence": 75.0, "probability": 0.25},
        "persona": {"type": "Quick Buyer", "color": "#047857", "confidence": 0.8, "style": "Hurried"},
        "incentive": {"type": "discount", "message": "10 % off", "discount": 10.0, "priority": "high"},
        "because": ["cart worth 80.00"],
        "model_version": "purchase-1",
    }


@pytest.mark.parametrize("body", [b"{", b'{"session_id":"\xff"}', b'{"more":' + b"[" * 5_000])
def test_a_body_that_is_not_json_is_a_problem(make_app: MakeApp, predict: Predict, body: bytes) -> None:
    answer = ask(make_app(predict=predict), "POST", "/api/predict", body)
    assert (answer.status, answer.json["code"]) == (400, "unparsable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json) == {"code", "message", "type", "title", "status"}


def test_a_missing_field_is_named(make_app: MakeApp, predict: Predict) -> None:
    body = {name: value for name, value in ASKED.items() if name != "cart_value"}
    answer = ask(make_app(predict=predict), "POST", "/api/predict", json.dumps(body).encode())
    assert (answer.status, answer.json["code"]) == (400, "schema")
    assert "cart_value" in answer.json["message"]


def test_a_number_that_the_model_refuses_is_the_callers_mistake(make_app: MakeApp) -> None:
    def refuse(_: PredictRequest, __: Any) -> PredictAnswer:
        raise PredictRefused("`pages_visited` is -1; it takes a number from 0")

    answer = ask(make_app(predict=refuse), "POST", "/api/predict", json.dumps(ASKED).encode())
    assert (answer.status, answer.json["code"]) == (400, "schema")


def test_a_body_without_end_is_cut_off(make_app: MakeApp, predict: Predict) -> None:
    answer = ask(make_app(predict=predict), "POST", "/api/predict", [b" " * 40_000] * 3)
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


def test_a_caller_who_leaves_in_mid_body_is_no_bug_of_ours(make_app: MakeApp, predict: Predict) -> None:
    for path in ("/api/predict", "/api/decisions/token"):
        answer = ask(make_app(predict=predict), "POST", path, b"{", is_cut_off=True)
        assert (answer.status, answer.json["code"]) == (400, "cut_off")


def test_without_a_model_predict_says_so_and_health_too(make_app: MakeApp) -> None:
    app = make_app(predict=None)
    assert ask(app, "POST", "/api/predict", json.dumps(ASKED).encode()).json["code"] == "no_model"
    assert ask(app, "GET", "/api/health").json == {
        "status": "degraded",
        "model_trained": False,
        "timestamp": "2026-03-02T12:00:00Z",
        "checks": {"kafka": "ok", "postgres": "ok"},
    }


def test_health_is_ok_when_everything_works(make_app: MakeApp, predict: Predict) -> None:
    answer = ask(make_app(predict=predict), "GET", "/api/health").json
    assert (answer["status"], answer["model_trained"]) == ("ok", True)


def test_a_dependency_that_is_away_is_named_and_the_console_not_ready(make_app: MakeApp, predict: Predict) -> None:
    app = make_app(predict=predict, checks={"kafka": lambda: "no broker answers", "postgres": lambda: None})
    health = ask(app, "GET", "/api/health")
    assert (health.status, health.json["status"]) == (200, "degraded")
    assert health.json["checks"] == {"kafka": "no broker answers", "postgres": "ok"}
    assert ask(app, "GET", "/readyz").status == 503
    assert ask(app, "GET", "/livez").status == 200


def test_while_postgres_is_away_its_endpoints_say_so_and_what_to_do(make_app: MakeApp) -> None:
    app = make_app()
    for path in ("/api/analytics", "/api/sessions", "/api/sessions/s1", "/api/personas", "/api/overview"):
        answer = ask(app, "GET", path)
        assert (answer.status, answer.json["code"]) == (503, "database_unreachable"), path
        assert "start it, or set SHOPSTREAM_POSTGRES_DSN" in answer.json["message"]
        assert "secret" not in answer.json["message"]
        assert answer.headers["retry-after"] == "2"


def test_filters_that_mean_nothing_are_refused_with_what_they_take(make_app: MakeApp) -> None:
    app = make_app()
    for query in ("limit=0", "limit=many", "limit=201", "min_likelihood=nan", "order=random", "persona=%00"):
        answer = ask(app, "GET", f"/api/sessions?{query}")
        assert (answer.status, answer.json["code"]) == (400, "schema"), query


def test_errors_of_the_router_are_problems_too(make_app: MakeApp) -> None:
    app = make_app()
    assert ask(app, "GET", "/api/nothing").json["code"] == "not_found"
    assert ask(app, "GET", "/api/predict").json["code"] == "method_not_allowed"
    assert ask(app, "GET", "/static/../app.py").status == 404


def test_every_answer_forbids_foreign_script(make_app: MakeApp) -> None:
    app = make_app()
    for path in ("/", "/sessions/s1", "/static/live.js", "/api/health", "/api/nothing"):
        policy = ask(app, "GET", path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
