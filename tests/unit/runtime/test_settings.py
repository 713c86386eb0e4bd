"""Settings that cannot be used stop the start with a sentence, before anything is opened."""

import pytest

from runtime.settings import ConsoleSettings, IngestSettings, KafkaSettings, Settings, SettingsError


@pytest.mark.parametrize(
    ("kind", "variable", "value", "takes"),
    [
        (ConsoleSettings, "SHOPSTREAM_CONSOLE_PORT", "http", "a whole number"),
        (ConsoleSettings, "SHOPSTREAM_CONSOLE_PORT", "99999", "0 to 65535"),
        (ConsoleSettings, "SHOPSTREAM_CONSOLE_TOKEN_TTL_S", "-1", "a number, 0 or more"),
        (IngestSettings, "SHOPSTREAM_INGEST_BODY_TIMEOUT_S", "nan", "a number, 0 or more"),
        (IngestSettings, "SHOPSTREAM_INGEST_BODY_TIMEOUT_S", "inf", "a number, 0 or more"),
        (ConsoleSettings, "SHOPSTREAM_CONSOLE_RECOMMEND_MIN_VISITORS", "0", "1 to 1000000"),
        (ConsoleSettings, "SHOPSTREAM_CONSOLE_HOSTS", "https://console.shop.example", "names as"),
        (ConsoleSettings, "SHOPSTREAM_CONSOLE_HOSTS", "console.shop.example:8081", "names as"),
        (KafkaSettings, "SHOPSTREAM_KAFKA_BROKERS", "kafka", "host:port"),
        (KafkaSettings, "SHOPSTREAM_KAFKA_BROKERS", "kafka:9092,kafka:port", "host:port"),
        (KafkaSettings, "SHOPSTREAM_KAFKA_BROKERS", "kafka:99999", "host:port"),
        (KafkaSettings, "SHOPSTREAM_KAFKA_BROKERS", ",", "host:port"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_it_takes(
    kind: type[Settings], variable: str, value: str, takes: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        kind.from_environ({variable: value})
    assert str(refused.value).startswith(f"{variable}={value!r} cannot be ")
    assert f"it takes {takes}" in str(refused.value)


def test_addresses_of_all_kinds_are_read() -> None:
    brokers = "127.0.0.1:9092, kafka.example:19092,[::1]:9092"
    read = KafkaSettings.from_environ({"SHOPSTREAM_KAFKA_BROKERS": brokers})
    assert read.brokers == ("127.0.0.1:9092", "kafka.example:19092", "[::1]:9092")
