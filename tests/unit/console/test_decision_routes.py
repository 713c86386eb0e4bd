"""Who may read a visitor's decisions, and from which pages."""

import json
import time
from collections.abc import Callable

import pytest
from starlette.applications import Starlette

from console.board import DecisionBoard
from console.follow import posted
from contracts.codec import ENCODER
from contracts.ids import visitor_id_of
from runtime.tokens import DecisionTokens
from tests.asgi import Asked, ask
from tests.factories import at, decision, incentive

MakeApp = Callable[..., Starlette]
SECRET = "s3cret-" * 6
ADA = visitor_id_of(SECRET)


def token_for(app: Starlette, secret: str = SECRET) -> Asked:
    return ask(app, "POST", "/api/decisions/token", json.dumps({"visitor_secret": secret}).encode())


def test_who_holds_the_secret_gets_a_token_for_the_visitor_it_belongs_to(make_app: MakeApp) -> None:
    answer = token_for(make_app())
    assert answer.status == 200
    assert (answer.json["visitor_id"], answer.json["expires_in_s"]) == (ADA, 600)
    assert answer.headers["cache-control"] == "no-store"


def test_a_secret_that_can_be_guessed_gets_none(make_app: MakeApp) -> None:
    assert token_for(make_app(), "letmein").json["code"] == "weak_secret"


def test_the_token_reads_the_latest_decision(make_app: MakeApp, board: DecisionBoard) -> None:
    app = make_app()
    token = token_for(app).json["token"]
    assert ask(app, "GET", f"/api/decisions/{ADA}?token={token}").status == 204
    told = decision("12:00", visitor_id=ADA, incentive=incentive())
    board.take([posted(0, 0, ENCODER.encode(told))], at("12:00"))
    for asked in (
        ask(app, "GET", f"/api/decisions/{ADA}?token={token}"),
        ask(app, "GET", f"/api/decisions/{ADA}", headers={"authorization": f"Bearer {token}"}),
    ):
        assert asked.status == 200
        assert asked.body == ENCODER.encode(told)


@pytest.mark.parametrize("path", ["", "/stream"])
def test_no_token_a_forged_one_and_that_of_another_visitor_are_refused(make_app: MakeApp, path: str) -> None:
    app = make_app()
    token = token_for(app).json["token"]
    forged = DecisionTokens("another secret of thirty-two characters.", ttl_s=600).issue(ADA)
    refusals = {
        f"/api/decisions/{ADA}{path}": "token_missing",
        f"/api/decisions/{ADA}{path}?token={forged}": "token_forged",
        f"/api/decisions/{ADA}{path}?token=nonsense": "token_forged",
        f"/api/decisions/bob{path}?token={token}": "token_of_another_visitor",
    }
    for url, code in refusals.items():
        answer = ask(app, "GET", url)
        assert (answer.status, answer.json["code"]) == (401, code)


def test_an_expired_token_is_refused_as_expired(
    make_app: MakeApp, tokens: DecisionTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    token = tokens.issue(ADA)
    later = time.time() + 601
    monkeypatch.setattr(time, "time", lambda: later)
    answer = ask(app, "GET", f"/api/decisions/{ADA}?token={token}")
    assert (answer.status, answer.json["code"]) == (401, "token_expired")


def test_any_page_may_read_when_any_origin_is_allowed_even_its_refusals(make_app: MakeApp) -> None:
    app = make_app()
    answer = ask(app, "GET", f"/api/decisions/{ADA}", headers={"origin": "https://shop.example"})
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == "*"


def test_only_listed_origins_may_read(make_app: MakeApp) -> None:
    app = make_app(allowed_origins=("https://shop.example",))
    allowed = ask(app, "GET", f"/api/decisions/{ADA}", headers={"origin": "https://shop.example"})
    foreign = ask(app, "GET", f"/api/decisions/{ADA}", headers={"origin": "https://evil.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-origin" not in foreign.headers


def test_a_preflight_is_answered(make_app: MakeApp) -> None:
    asked = {
        "origin": "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    answer = ask(make_app(), "OPTIONS", "/api/decisions/token", headers=asked)
    assert answer.status == 200
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_other_endpoints_are_not_for_other_pages(make_app: MakeApp) -> None:
    answer = ask(make_app(), "GET", "/api/health", headers={"origin": "https://shop.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_a_full_board_is_a_503_and_not_a_broken_stream(make_app: MakeApp, tokens: DecisionTokens) -> None:
    full = DecisionBoard(opened_at=at("12:00"), max_streams=0)
    answer = ask(make_app(board=full), "GET", f"/api/decisions/{ADA}/stream?token={tokens.issue(ADA)}")
    assert (answer.status, answer.json["code"]) == (503, "too_many_streams")
