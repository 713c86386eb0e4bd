"""Which processes make up the pipeline, and what each is told."""

import pytest

from runtime.settings import ConsoleSettings, IngestSettings, SettingsError
from shopstream.pipeline import (
    EMBEDDED_REBALANCE_S,
    ON_KAFKA,
    ON_POSTGRES,
    STOP_ORDER,
    Pipeline,
    shared_environ,
    url_of,
    without_password,
)
from shopstream.ports import PortTaken, free_port


def test_every_service_is_started_and_stopped() -> None:
    services = set(Pipeline.from_environ({}).services())
    assert set(ON_KAFKA) | set(ON_POSTGRES) == services
    assert services <= set(STOP_ORDER)


def test_a_setting_that_cannot_be_read_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="SHOPSTREAM_PERSIST_PORT"):
        Pipeline.from_environ({"SHOPSTREAM_PERSIST_PORT": "many"})


def test_two_services_on_one_port_are_named_before_anything_starts() -> None:
    port = str(free_port())
    both = Pipeline.from_environ({"SHOPSTREAM_STOREFRONT_PORT": port, "SHOPSTREAM_INGEST_PORT": port})
    with pytest.raises(PortTaken, match=f"port {port} is that of storefront and of ingest.*SHOPSTREAM_INGEST_PORT"):
        both.require_free_ports()


def test_a_service_on_all_addresses_is_reached_on_this_machine() -> None:
    assert url_of(IngestSettings(host="0.0.0.0", port=80)) == "http://127.0.0.1:80"  # noqa: S104  bound by nobody
    assert url_of(ConsoleSettings(host="::", port=80)) == "http://[::1]:80"
    assert url_of(ConsoleSettings(host="::1", port=80)) == "http://[::1]:80"
    assert url_of(IngestSettings(host="shop.example", port=80)) == "http://shop.example:80"


def test_embedded_servers_are_told_to_every_service() -> None:
    made = shared_environ({}, broker_port=1, postgres_port=2)
    assert made["SHOPSTREAM_KAFKA_BROKERS"] == "127.0.0.1:1"
    assert made["SHOPSTREAM_POSTGRES_DSN"] == "postgresql://postgres@127.0.0.1:2/postgres"
    assert float(made["SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S"]) == EMBEDDED_REBALANCE_S
    assert len(made["SHOPSTREAM_CONSOLE_TOKEN_SECRET"]) >= 32


def test_with_servers_of_ones_own_nothing_is_said_about_them() -> None:
    made = shared_environ({"PATH": "/bin"})
    assert made["PATH"] == "/bin"
    assert not {"SHOPSTREAM_KAFKA_BROKERS", "SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S"} & set(made)


def test_the_storefront_finds_ingest_and_console_on_their_own_ports() -> None:
    made = shared_environ({"SHOPSTREAM_INGEST_PORT": "9080", "SHOPSTREAM_CONSOLE_PORT": "9081"})
    assert made["SHOPSTREAM_STOREFRONT_INGEST_URL"] == "http://127.0.0.1:9080"
    assert made["SHOPSTREAM_STOREFRONT_CONSOLE_URL"] == "http://127.0.0.1:9081"


def test_what_is_set_already_stays() -> None:
    mine = {
        "SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S": "9",
        "SHOPSTREAM_CONSOLE_TOKEN_SECRET": "x" * 40,
        "SHOPSTREAM_STOREFRONT_INGEST_URL": "https://collect.shop.example",
    }
    made = shared_environ(mine, broker_port=1)
    assert {name: made[name] for name in mine} == mine


def test_a_connection_string_is_shown_without_its_password() -> None:
    assert without_password("postgresql://shop:s@cret@db.example:5432/shop") == "postgresql://shop@db.example:5432/shop"
    assert without_password("postgresql://db.example/shop") == "postgresql://db.example/shop"
    assert without_password("postgresql://db.example/shop?user=shop&password=secret&sslmode=require") == (
        "postgresql://db.example/shop?user=shop&password=…&sslmode=require"
    )
    assert "secret" not in without_password("host=db.example password=secret")
