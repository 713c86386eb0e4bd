"""Ports: free, taken, and by whom."""

import os
import socket
from collections.abc import Iterator

import pytest

from shopstream.ports import PortTaken, free_port, port_check, require_free, why_not_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_its_service_its_holder_and_the_setting_that_changes_it(taken: int) -> None:
    with pytest.raises(PortTaken) as refused:
        require_free("ingest", "127.0.0.1", taken, "SHOPSTREAM_INGEST_PORT")
    assert f"port {taken} of ingest is taken by" in str(refused.value)
    assert f"(pid {os.getpid()})" in str(refused.value)
    assert "choose another port with SHOPSTREAM_INGEST_PORT" in str(refused.value)


def test_a_port_held_on_one_address_is_not_free_on_all_addresses(taken: int) -> None:
    assert why_not_free("0.0.0.0", taken)  # noqa: S104  for an instant


def test_an_address_that_is_not_this_machines_is_not_called_a_taken_port() -> None:
    with pytest.raises(PortTaken) as refused:
        require_free("ingest", "192.0.2.1", free_port(), "SHOPSTREAM_INGEST_PORT")
    assert "is taken" not in str(refused.value)
    assert "another address with SHOPSTREAM_INGEST_HOST" in str(refused.value)


def test_a_free_port_is_free() -> None:
    require_free("ingest", "127.0.0.1", free_port(), "SHOPSTREAM_INGEST_PORT")


def test_a_port_is_ready_when_something_listens(taken: int) -> None:
    assert port_check("127.0.0.1", taken)() is None
    port = free_port()
    assert f"nothing answers at 127.0.0.1:{port}" in (port_check("127.0.0.1", port)() or "")
