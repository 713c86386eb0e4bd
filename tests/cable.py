"""A network cable to a server that a test can pull out and plug in again."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cable(dsn: str) -> Iterator[tuple[str, threading.Event]]:
    """A relay to Postgres that drops and refuses all connections while its plug is out."""
    host, port = dsn.split("@")[1].split("/")[0].split(":")
    plug, closed = threading.Event(), threading.Event()
    plug.set()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)

    def relay(source: socket.socket, target: socket.socket) -> None:
        with source, target:
            source.settimeout(0.1)
            while plug.is_set() and not closed.is_set():
                try:
                    data = source.recv(65536)
                except TimeoutError:
                    continue
                except OSError:
                    return
                if not data:
                    return
                try:
                    target.sendall(data)
                except OSError:
                    return

    def accept() -> None:
        while not closed.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            if not plug.is_set():
                client.close()
                continue
            server = socket.create_connection((host, int(port)))
            for pair in ((client, server), (server, client)):
                thread = threading.Thread(target=relay, args=pair)
                thread.start()
                threads.append(thread)

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield dsn.replace(f":{port}/", f":{listener.getsockname()[1]}/"), plug
    finally:
        closed.set()
        for thread in threads:
            thread.join()
        listener.close()
