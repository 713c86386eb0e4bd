"""Which Kafka and which Postgres a run uses."""

from shopstream.servers import servers_for


def test_servers_are_embedded_unless_the_settings_name_others() -> None:
    servers = servers_for({})
    assert servers.kinds() == {"kafka": "embedded", "postgres": "embedded"}
    assert servers.kafka.brokers == (f"127.0.0.1:{servers.broker_port}",)
    assert str(servers.postgres_port) in servers.postgres.dsn


def test_each_server_may_be_ones_own() -> None:
    servers = servers_for({"SHOPSTREAM_KAFKA_BROKERS": "kafka:9092"})
    assert servers.kinds() == {"kafka": "external", "postgres": "embedded"}
    assert servers.kafka.brokers == ("kafka:9092",)


def test_an_empty_setting_names_nothing() -> None:
    assert servers_for({"SHOPSTREAM_POSTGRES_DSN": ""}).kinds()["postgres"] == "embedded"


def test_other_commands_learn_how_to_reach_both() -> None:
    servers = servers_for({"SHOPSTREAM_POSTGRES_DSN": "postgresql://db/shop"})
    assert servers.reach() == {
        "SHOPSTREAM_KAFKA_BROKERS": f"127.0.0.1:{servers.broker_port}",
        "SHOPSTREAM_POSTGRES_DSN": "postgresql://db/shop",
    }
