import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from dashboards.build import committed
from dashboards.push import PushRefused, push
from runtime.settings import GrafanaSettings
from shopstream.ports import free_port


class FakeGrafana(HTTPServer):
    """Takes dashboards over Grafana's API from whoever has the token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[dict[str, Any]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeGrafana

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.status if self.headers["Authorization"] == "Bearer secret" else 401
        answer: dict[str, Any] = {"message": "no"}
        if status == 200 and self.path == "/grafana/api/dashboards/db":
            self.server.taken.append(body)
            answer = {"url": f"/d/{body['dashboard']['uid']}"}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with FakeGrafana() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_dashboard_is_created_or_replaced(grafana: FakeGrafana) -> None:
    urls = push(GrafanaSettings(url=f"{grafana.url}/grafana/", token="secret"))
    assert urls == [f"{grafana.url}/grafana/d/shopstream-{name}" for name in ("business", "models", "pipeline")]
    assert [body["dashboard"]["title"] for body in grafana.taken] == [board["title"] for board in committed().values()]
    assert all(body["overwrite"] is True and body["dashboard"]["id"] is None for body in grafana.taken)


def test_a_wrong_token_is_named(grafana: FakeGrafana) -> None:
    with pytest.raises(PushRefused, match="SHOPSTREAM_GRAFANA_TOKEN"):
        push(GrafanaSettings(url=f"{grafana.url}/grafana", token="guess"))


def test_a_refusal_is_told_in_grafanas_words(grafana: FakeGrafana) -> None:
    grafana.status = 412
    with pytest.raises(PushRefused, match="refused a dashboard: Client Error 412: no"):
        push(GrafanaSettings(url=f"{grafana.url}/grafana", token="secret"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"http://127.0.0.1:{free_port()}", "no Grafana answers"),
        ("grafana", "is no URL"),
        ("http://127.0.0.1:99999", "is no URL"),
        ("http://[::1", "is no URL"),
    ],
)
def test_a_grafana_that_is_not_there_is_named(url: str, words: str) -> None:
    with pytest.raises(PushRefused, match=words):
        push(GrafanaSettings(url=url))
