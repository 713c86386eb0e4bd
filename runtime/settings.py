"""Every setting, typed, read once from `SHOPSTREAM_…` environment variables."""

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self, get_type_hints

from contracts.topics import PARTITIONS

PREFIX: Final = "SHOPSTREAM_"
RANGES: Final = {
    "port": range(65_536),
    "partitions": range(1, 2**31),
    "replication_factor": range(1, 2**15),
    "recommend_days": range(1, 3_651),
    "recommend_min_visitors": range(1, 1_000_001),
    "recommend_max_touches": range(1, 10_000_001),
}
"""Numbers that mean something else, or nothing, outside; by field."""
_HOST_NAME: Final = re.compile(r"[\w.-]+|\*", re.ASCII)


class SettingsError(ValueError):
    """A setting is missing or cannot be read; the text names it and says what it takes."""


def setting(default: Any, doc: str) -> Any:
    """A dataclass field whose environment name is `SHOPSTREAM_` + the class's step + its own name."""
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True)
class Settings:
    """Base of all settings: one class a step, one field a variable."""

    @classmethod
    def step(cls) -> str:
        return cls.__name__.removesuffix("Settings").upper()

    @classmethod
    def variable(cls, name: str) -> str:
        """Environment name of a field, e.g. `SHOPSTREAM_INGEST_MAX_BODY_BYTES`."""
        return f"{PREFIX}{cls.step()}_{name.upper()}"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read the step's settings; raises `SettingsError` naming the variable that cannot be read."""
        hints = get_type_hints(cls)
        values: dict[str, Any] = {}
        for each in fields(cls):
            raw = environ.get(cls.variable(each.name))
            if raw is None or raw == "":
                if each.default is dataclasses.MISSING:
                    raise SettingsError(f"{cls.variable(each.name)} is not set: {each.metadata['doc']}")
                continue
            values[each.name] = _read(cls.variable(each.name), raw, hints[each.name])
            if (takes := _refused(each.name, values[each.name])) is not None:
                raise SettingsError(f"{cls.variable(each.name)}={raw!r} cannot be used; it takes {takes}")
        return cls(**values)


def _read(variable: str, raw: str, kind: Any) -> Any:
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[raw.lower()]
        if kind in (int, float, str):
            return kind(raw)
        if kind == tuple[str, ...]:
            return tuple(part.strip() for part in raw.split(",") if part.strip())
    except (ValueError, KeyError):
        pass
    else:
        raise TypeError(f"no reader for {kind}")
    raise SettingsError(f"{variable}={raw!r} cannot be read; it takes {_words(kind)}")


def _refused(name: str, value: Any) -> str | None:
    """What the setting takes instead; None when the value can be used."""
    if (allowed := RANGES.get(name)) is not None:
        return None if value in allowed else f"{allowed.start} to {allowed.stop - 1}"
    if name == "brokers":
        return None if value and all(map(_is_address, value)) else "host:port, several separated by commas"
    if name == "hosts":
        return (
            None if all(map(_HOST_NAME.fullmatch, value)) else "names as console.shop.example, without scheme and port"
        )
    if isinstance(value, (int, float)):
        return None if 0 <= value < math.inf else "a number, 0 or more"
    return None


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdecimal() and len(port) <= 5 and int(port) in RANGES["port"]


def _words(kind: Any) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number"}.get(kind, "text")


@dataclass(frozen=True, slots=True)
class KafkaSettings(Settings):
    brokers: tuple[str, ...] = setting(
        ("127.0.0.1:9092",), "Kafka bootstrap addresses, host:port, separated by commas."
    )
    replication_factor: int = setting(1, "Replicas of each topic; use 3 on a cluster.")
    partitions: int = setting(
        PARTITIONS,
        "Partitions of every topic, the most workers that can share the work; frozen once there are events (docs/growing.md).",
    )


@dataclass(frozen=True, slots=True)
class PostgresSettings(Settings):
    dsn: str = setting("postgresql://shopstream:shopstream@127.0.0.1:5432/shopstream", "Postgres connection string.")


@dataclass(frozen=True, slots=True)
class IngestSettings(Settings):
    host: str = setting("127.0.0.1", "Address that ingest listens on.")
    port: int = setting(8080, "Port of ingest.")
    write_keys_file: str = setting(
        "", "TOML file of write keys with their origins and limits; empty means the local keys `demo` and `history`."
    )
    max_connections: int = setting(
        4_096, "Most open HTTP connections; beyond them idle ones are closed, and without idle ones new ones get a 503."
    )
    body_timeout_s: float = setting(30.0, "Seconds a request's body may take to arrive before ingest answers 408.")
    trusted_proxies: tuple[str, ...] = setting(
        (),
        "Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, separated by commas; "
        "empty means the socket's address counts.",
    )
    max_body_bytes: int = setting(4_194_304, "Largest request body accepted, after decompression.")
    max_event_bytes: int = setting(32_768, "Largest single event accepted.")
    max_batch_events: int = setting(2_500, "Most events accepted in one request.")
    max_inflight_bytes: int = setting(67_108_864, "Bytes waiting to be acknowledged before ingest answers 503.")
    kafka_timeout_ms: int = setting(
        10_000, "How long Kafka may take to acknowledge; without a spool a request is then answered 503."
    )
    spool_dir: str = setting(
        "",
        "Folder, one for each ingest, that keeps events while Kafka does not acknowledge; empty means no spool: 503 "
        "instead. `shopstream up` and docker-compose.yml set it.",
    )
    spool_after_ms: int = setting(1_000, "How long a request waits for Kafka before its events go to the spool.")
    spool_max_bytes: int = setting(1_073_741_824, "Bytes of the spool at which ingest answers 503.")
    spool_max_age_s: float = setting(
        86_400.0, "Age of the oldest event in the spool at which ingest answers 503; nothing is thrown away."
    )
    clock_clamp_hours: float = setting(24.0, "How far a browser's repaired clock may differ from ours.")
    require_consent: bool = setting(
        False, "Whether an event that says nothing of consent counts as one whose visitor refuses."
    )
    analytics_purposes: tuple[str, ...] = setting(
        (
            *("analytics", "analytics_storage", "analytics_processing_allowed", "statistics", "performance"),
            *("measurement", "C0002"),
        ),
        "Names that a consent dialogue gives to analytics; C0002 is OneTrust's. Case and separators do not matter.",
    )
    daily_id_secret: str = setting(
        "",
        "Secret that the daily ids of visitors without consent are made with, at least 32 characters, the same for all "
        "ingest processes; empty means a random one for this process.",
    )
    drop_fields: tuple[str, ...] = setting(
        (
            *("email", "email_address", "phone", "phone_number", "first_name", "last_name", "full_name", "birthday"),
            *("date_of_birth", "address", "street", "password", "passwd", "secret", "token", "access_token"),
            *("refresh_token", "card_number", "credit_card", "cvv", "cvc", "iban", "ssn"),
            *("customer_email", "user_email", "customer_phone", "user_phone", "telephone", "mobile_phone"),
            *("shipping_full_address", "billing_full_address", "user_data"),
        ),
        "Parameters and traits that ingest drops, at any depth; case and separators do not matter. A lone `-` drops none.",
    )
    drop_query_parameters: tuple[str, ...] = setting(
        (
            *("email", "mail", "phone", "password", "passwd", "pwd", "secret", "auth", "token", "access_token"),
            *("id_token", "refresh_token", "api_key", "jwt", "otp", "session_id", "sid", "signature"),
        ),
        "Query parameters that ingest drops from addresses of pages. A lone `-` drops none; values that are an e-mail "
        "address always go.",
    )


@dataclass(frozen=True, slots=True)
class ProcessSettings(Settings):
    host: str = setting("127.0.0.1", "Address of the stream processor's health and metrics endpoint.")
    port: int = setting(8083, "Port of the stream processor's health and metrics endpoint.")
    app_id: str = setting("shopstream", "Consumer group and changelog prefix of the stream processor.")
    session_gap_minutes: float = setting(30.0, "A pause longer than this, in event time, ends a session.")
    model_dir: str = setting("", "Folder of a model to serve whatever the registry names; empty means the registry's.")
    registry_dir: str = setting(
        "model-registry",
        "Folder of the model registry, shared by all workers; without one, the model that ships is served.",
    )
    drift_window_minutes: float = setting(60.0, "Time over which live features are compared with the training's.")
    policy_file: str = setting("", "Incentive policy (TOML); empty means the policy that ships with Shopstream.")
    stuck_after_s: float = setting(60.0, "Exit when records wait and no offset was committed for this long.")
    store: str = setting(
        "memory",
        "Where visitors' states are: `memory`, or `rocksdb` for more than fit and a restart without reading them.",
    )
    state_dir: str = setting(
        "", "Folder of the RocksDB store, for any number of workers; empty means one in the system's temporary folder."
    )
    cache_visitors: int = setting(20_000, "Visitors kept decoded in memory, whichever the store.")
    recovery_timeout_s: float = setting(
        300.0,
        "Exit when partitions are not assigned and recovered within this time, so that a new worker starts afresh.",
    )
    rebalance_timeout_s: float = setting(
        60.0, "Kafka rebalance timeout; the embedded broker waits half of it at the first join."
    )


@dataclass(frozen=True, slots=True)
class PersistSettings(Settings):
    host: str = setting("127.0.0.1", "Address of the sink's health and metrics endpoint.")
    port: int = setting(8084, "Port of the sink's health and metrics endpoint.")
    batch_rows: int = setting(5_000, "Most records written in one transaction.")
    batch_ms: int = setting(200, "Longest wait to fill a transaction.")


@dataclass(frozen=True, slots=True)
class ConsoleSettings(Settings):
    host: str = setting("127.0.0.1", "Address that the console listens on.")
    port: int = setting(8081, "Port of the console and its API.")
    token_secret: str = setting(
        "", "Secret that signs decision tokens, at least 32 characters; empty means a random one for this process."
    )
    token_ttl_s: int = setting(600, "Seconds a decision token is good for.")
    allowed_origins: tuple[str, ...] = setting(
        ("*",), "Origins that may read decisions and recommendations from a browser."
    )
    hosts: tuple[str, ...] = setting(
        (),
        "Names under which the console answers besides `localhost` and IP addresses, as a proxy passes them on, separated "
        "by commas; a lone `*` means any. Decisions, recommendations, health and metrics have any name.",
    )
    password: str = setting(
        "",
        "Password of the console's pages and API, at least 12 characters, asked for by HTTP Basic with any user name; empty "
        "means none. Decisions, recommendations, health and metrics need none.",
    )
    recommend_days: int = setting(30, "Days of touches of items that recommendations are made of.")
    recommend_refresh_s: float = setting(
        30.0,
        "Seconds until recommendations are made anew; longer where that takes more than a tenth of them. 0 means no "
        "recommendations.",
    )
    recommend_min_visitors: int = setting(
        3, "Distinct visitors who must have touched an item, or both items of a pair, before it is told to anybody."
    )
    recommend_max_touches: int = setting(200_000, "Most touches that recommendations are made of, the newest.")


@dataclass(frozen=True, slots=True)
class StorefrontSettings(Settings):
    host: str = setting("127.0.0.1", "Address that the demo storefront listens on.")
    port: int = setting(8082, "Port of the demo storefront.")
    ingest_url: str = setting("http://127.0.0.1:8080", "Where the storefront's pages find ingest.")
    console_url: str = setting("http://127.0.0.1:8081", "Where the storefront's pages find decisions.")
    write_key: str = setting("demo", "Write key of the storefront.")


@dataclass(frozen=True, slots=True)
class GrafanaSettings(Settings):
    url: str = setting("http://127.0.0.1:3000", "Grafana that `shopstream dashboards push` writes to.")
    token: str = setting("", "Grafana service-account token; empty means basic auth with user and password.")
    user: str = setting("admin", "Grafana user when there is no token.")
    password: str = setting("admin", "Grafana password when there is no token.")


ALL: Final[tuple[type[Settings], ...]] = (
    KafkaSettings,
    PostgresSettings,
    IngestSettings,
    ProcessSettings,
    PersistSettings,
    ConsoleSettings,
    StorefrontSettings,
    GrafanaSettings,
)


def env_example() -> str:
    """The text of `.env.example`: every variable with its meaning and default."""
    lines = ["# Every setting with its default. Made by `shopstream settings`."]
    for group in ALL:
        lines.append("")
        for each in fields(group):
            default = ",".join(each.default) if isinstance(each.default, tuple) else each.default
            lines += [f"# {each.metadata['doc']}", f"{group.variable(each.name)}={default}"]
    return "\n".join(lines) + "\n"
