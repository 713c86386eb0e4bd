"""A shop's page with one SDK in it, on an origin of its own."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def shop_page(script: bytes) -> AbstractContextManager[str]:
    """A page with a script, served as by `page_at`."""
    script = script.replace(b"</script", b"<\\/script")
    return page_at(b"<!doctype html><title>Lamps</title><script>" + script + b"</script>")


@contextmanager
def page_at(html: bytes) -> Iterator[str]:
    """Serve a page on a free port of this machine; yields its address."""

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
