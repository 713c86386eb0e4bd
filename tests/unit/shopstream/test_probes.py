"""Asking services how they are."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shopstream.ports import free_port
from shopstream.probes import figures_at, figures_in, problems_in, ready_check, samples_at

METRICS = """\
# HELP ingest_events_rejected_total Refused.
# TYPE ingest_events_rejected_total counter
ingest_events_rejected_total{code="schema"} 2.0
ingest_events_rejected_total{code="missing_identity"} 3.0
# HELP process_lag_records Waiting.
# TYPE process_lag_records gauge
process_lag_records{topic="events",partition="0"} 4.0
"""


class Service(BaseHTTPRequestHandler):
    """Answers as a service whose Kafka is away."""

    def do_GET(self) -> None:
        status, body = {
            "/readyz": (503, b'{"kafka": "no Kafka broker answers", "streams": "ok"}'),
            "/metrics": (200, METRICS.encode()),
        }[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def stranger(answer: bytes) -> Iterator[str]:
    """Says the same to everybody, and hangs up."""

    class Stranger(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_service_that_is_not_ready_says_why(url: str) -> None:
    assert ready_check(url)() == "kafka: no Kafka broker answers"


def test_a_service_that_does_not_answer_is_not_ready() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert f"nothing answers at {url}" in (ready_check(url)() or "")
    assert figures_at(url) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><p>Hello {world}</p>",
        b"-ERR unknown command 'GET'\r\n",
    ],
    ids=["another site", "no HTTP at all"],
)
def test_something_else_on_the_port_is_not_taken_for_a_service(answer: bytes) -> None:
    with stranger(answer) as url:
        assert ready_check(url)() == f"something else answers at {url}; stop it, or choose another port"
        assert not figures_at(url)
        assert not samples_at(url, "process_model_info")


def test_figures_are_summed_over_their_labels(url: str) -> None:
    figures = figures_at(url)
    assert figures == figures_in(METRICS)
    assert figures is not None
    assert figures["ingest_events_rejected_total"] == 5
    assert figures["process_lag_records"] == 4


def test_a_body_that_is_not_ours_is_not_repeated_to_people() -> None:
    assert problems_in(b"<html>", "it answers 502") == "it answers 502"
    assert problems_in(b"[1]", "it answers 502") == "it answers 502"
