"""A shop's page with one SDK in it, on an origin of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def shop_page(script: bytes) -> Iterator[str]:
    """Serve the page on a free port of this machine; yields its address."""
    html = b"<!doctype html><title>Lamps</title><script>" + script.replace(b"</script", b"<\\/script") + b"</script>"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(html)))
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/lamps"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
