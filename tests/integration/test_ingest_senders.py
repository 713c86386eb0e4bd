"""Who may send, to a running ingest: keys that change under it, addresses behind proxies, and bounds on connections."""

import json
import signal
import socket
from pathlib import Path

from runtime.settings import KafkaSettings
from tests.ingest_process import IngestProcess, ingest_process, received, track
from tests.waiting import until

KEYS = """
[keys.web]
origins = ["https://shop.example"]
[keys.back]
kind = "server"
[keys.shy]
origins = ["*"]
address_events_per_second = 0.2
address_burst = 2
"""
FROM_SHOP = {"Origin": "https://shop.example"}


def write(file: Path, text: str) -> None:
    """Whole at once, as editors and Kubernetes do."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def status(running: IngestProcess, key: str, **headers: str) -> int:
    return running.post(track("a"), key=key, **headers).status


def test_keys_change_without_a_restart(broker: KafkaSettings, tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    write(file, KEYS)
    with ingest_process(broker, write_keys_file=str(file)) as running:
        assert (status(running, "web", **FROM_SHOP), status(running, "new")) == (200, 401)

        write(file, KEYS + '[keys.new]\norigins = ["https://new.example"]\n')
        until(lambda: status(running, "new", Origin="https://new.example") == 200)
        preflight = running.ask("OPTIONS", "/v1/t", Origin="https://new.example", Access_Control_Request_Method="POST")
        assert preflight.headers["access-control-allow-origin"] == "https://new.example"
        assert status(running, "web", **FROM_SHOP) == 200

        write(file, "[keys.web]\norigins = 3\n")
        until(lambda: running.metric("ingest_write_keys_broken") == 1)
        assert [status(running, key) for key in ("web", "new")] == [200, 200]

        file.unlink()
        running.process.send_signal(signal.SIGHUP)
        assert running.process.poll() is None
        assert status(running, "web") == 200

        write(file, KEYS)
        until(lambda: status(running, "new") == 401)
        assert running.metric("ingest_write_keys_broken") == 0
        assert running.metric("ingest_write_keys_loaded_total") == 2


def test_sighup_reads_the_keys_at_once(broker: KafkaSettings, tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    write(file, KEYS)
    with ingest_process(broker, write_keys_file=str(file)) as running:
        running.process.send_signal(signal.SIGHUP)
        until(lambda: running.metric("ingest_write_keys_loaded_total") == 1)
        assert status(running, "web") == 200


def test_an_address_has_its_own_rate_and_only_a_trusted_proxy_says_whose(broker: KafkaSettings, tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    write(file, KEYS)

    def statuses(running: IngestProcess, *addresses: str) -> list[int]:
        return [status(running, "shy", X_Forwarded_For=address) for address in addresses]

    with ingest_process(broker, write_keys_file=str(file)) as running:
        # Nobody is trusted: all of these are the socket's address, whatever they say.
        assert statuses(running, "10.0.0.1", "10.0.0.2", "10.0.0.3") == [200, 200, 429]
        late = running.post(track("a"), key="shy")
        assert (late.json["code"], 0 < int(late.headers["retry-after"]) <= 5) == ("rate_limited", True)
        assert status(running, "back") == 200
    with ingest_process(broker, write_keys_file=str(file), trusted_proxies="127.0.0.0/8") as running:
        assert statuses(running, "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2") == [200, 200, 429, 200]
        # What a client itself wrote stands to the left of what the proxy added.
        assert statuses(running, "9.9.9.9, 10.0.0.1") == [429]
        assert statuses(running, "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1") == [200, 200, 429, 200]


def test_a_body_that_does_not_arrive_is_answered_and_its_connection_closed(broker: KafkaSettings) -> None:
    with ingest_process(broker, body_timeout_s="1") as running, running.connect() as connection:
        connection.sendall(b'POST /v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{"batch"')
        answer = received(connection)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer
        assert b"access-control-allow-origin: *" in answer
        assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["code"] == "too_slow"


def test_slow_bodies_cannot_take_all_the_room(broker: KafkaSettings) -> None:
    head = b"POST /v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: 400000\r\n\r\n"
    with ingest_process(broker, max_inflight_bytes="1000000") as running:
        slow = [running.connect() for _ in range(6)]
        try:
            for connection in slow:
                connection.sendall(head + b" " * 300_000)
            until(lambda: running.metric("ingest_answers_total") == 5)
            assert running.metric("ingest_in_flight_bytes") == 300_000
            assert running.post(track("a")).status == 200
            assert slow[-1].recv(12) == b"HTTP/1.1 503"
        finally:
            for connection in slow:
                connection.close()
        until(lambda: running.metric("ingest_in_flight_bytes") == 0)


def test_too_many_connections_are_refused_and_idle_ones_make_room(broker: KafkaSettings) -> None:
    with ingest_process(broker, max_connections="20") as running:
        begun = [running.connect() for _ in range(20)]
        for connection in begun:
            connection.sendall(b"POST /v1/batch HTTP/1.1\r\nhost: a\r\n")
        with running.connect() as connection:
            answer = received(connection)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in answer
        # So that a browser's SDK on any page learns when to come again.
        assert b"access-control-allow-origin: *" in answer
        assert b"access-control-expose-headers: Retry-After" in answer
        for connection in begun[:10]:
            connection.sendall(b"content-length: 2\r\n\r\n{}")  # 400, and kept alive
            assert connection.recv(12) == b"HTTP/1.1 400"
        assert [running.post(track("a")).status for _ in range(5)] == [200] * 5
        for connection in begun:
            connection.close()
        assert running.metric("ingest_connections_refused_total") >= 1


def test_a_head_without_end_is_cut_off(broker: KafkaSettings) -> None:
    with ingest_process(broker) as running, running.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        line = b"x-more: " + b"x" * 8_000 + b"\r\n"
        answer = b""
        for _ in range(40):
            try:
                connection.sendall(line)
            except ConnectionError:
                break
        else:
            answer = received(connection)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
        assert running.metric("ingest_connections_refused_total") == 1


def test_a_sender_that_has_said_all_still_gets_its_answer(broker: KafkaSettings) -> None:
    body = json.dumps({"batch": [track("a")], "writeKey": "demo"}).encode()
    with ingest_process(broker) as running, running.connect() as connection:
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        connection.shutdown(socket.SHUT_WR)
        answer = received(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["accepted"] == 1


def test_requests_sent_one_behind_the_other_are_answered_in_their_order(broker: KafkaSettings) -> None:
    bodies = [json.dumps({"batch": [track("a")] * count, "writeKey": "demo"}).encode() for count in (1, 2, 3)]
    head = b"POST /v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%s"
    with ingest_process(broker) as running, running.connect() as connection:
        connection.sendall(b"".join(head % (len(body), body) for body in bodies))
        connection.shutdown(socket.SHUT_WR)
        answers = received(connection).split(b"HTTP/1.1 200 OK\r\n")[1:]
        assert [json.loads(answer.rpartition(b"\r\n\r\n")[2])["accepted"] for answer in answers] == [1, 2, 3]
