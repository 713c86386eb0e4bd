"""Which processes make up the pipeline, with their environment, addresses and checks."""

import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from runtime.settings import (
    ConsoleSettings,
    IngestSettings,
    KafkaSettings,
    PersistSettings,
    PostgresSettings,
    ProcessSettings,
    Settings,
    StorefrontSettings,
)
from shopstream.ports import PortTaken, require_free
from shopstream.probes import ready_check
from shopstream.run_folder import RunFolder
from shopstream.supervise import Service

EMBEDDED_REBALANCE_S: Final = 6.0
"""The embedded broker delays a group's first join by half the rebalance timeout."""

ON_KAFKA: Final = ("process", "ingest", "storefront")
"""Services that need Kafka or nothing; the slowest to become ready comes first."""
ON_POSTGRES: Final = ("console", "persist")
STOP_ORDER: Final = ("shoppers", "storefront", "ingest", "process", "persist", "console", "postgres", "broker")
"""The order of an event's way: who writes stops before who reads."""

Listening = IngestSettings | ProcessSettings | PersistSettings | ConsoleSettings | StorefrontSettings


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The settings of everything that runs, read once."""

    kafka: KafkaSettings
    postgres: PostgresSettings
    ingest: IngestSettings
    process: ProcessSettings
    persist: PersistSettings
    console: ConsoleSettings
    storefront: StorefrontSettings

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Raises `SettingsError`."""
        return cls(
            kafka=KafkaSettings.from_environ(environ),
            postgres=PostgresSettings.from_environ(environ),
            ingest=IngestSettings.from_environ(environ),
            process=ProcessSettings.from_environ(environ),
            persist=PersistSettings.from_environ(environ),
            console=ConsoleSettings.from_environ(environ),
            storefront=StorefrontSettings.from_environ(environ),
        )

    def services(self) -> dict[str, Listening]:
        """Every service by its command, in the order of an event's way."""
        return {
            "storefront": self.storefront,
            "ingest": self.ingest,
            "process": self.process,
            "persist": self.persist,
            "console": self.console,
        }

    def urls(self) -> dict[str, str]:
        return {name: url_of(settings) for name, settings in self.services().items()}

    def places(self) -> dict[str, str]:
        """The settings that say where every service listens."""
        return {
            settings.variable(name): str(getattr(settings, name))
            for settings in self.services().values()
            for name in ("host", "port")
        }

    def require_free_ports(self) -> None:
        """Raises `PortTaken` for the first port that is in use, or is two services'."""
        holders: dict[tuple[str, int], str] = {}
        for name, settings in self.services().items():
            other = holders.setdefault((settings.host, settings.port), name)
            if other != name:
                variable = settings.variable("port")
                raise PortTaken(
                    f"port {settings.port} is that of {other} and of {name}; choose another with {variable}"
                )
            require_free(name, settings.host, settings.port, settings.variable("port"))


def url_of(settings: Listening) -> str:
    """Where a service is reached from this machine, also when it listens on all addresses."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)  # noqa: S104  compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def is_set(kind: type[Settings], name: str, environ: Mapping[str, str]) -> bool:
    return bool(environ.get(kind.variable(name)))


def shared_environ(
    environ: Mapping[str, str], *, broker_port: int | None = None, postgres_port: int | None = None
) -> dict[str, str]:
    """The environment that all services of one run share; what is set already stays. Ports are of embedded servers."""
    made: dict[str, str] = {
        ConsoleSettings.variable("token_secret"): secrets.token_hex(32),
        IngestSettings.variable("daily_id_secret"): secrets.token_hex(32),
    }
    if broker_port is not None:
        made[KafkaSettings.variable("brokers")] = f"127.0.0.1:{broker_port}"
        made[ProcessSettings.variable("rebalance_timeout_s")] = f"{EMBEDDED_REBALANCE_S:g}"
    if postgres_port is not None:
        made[PostgresSettings.variable("dsn")] = postgres_dsn(postgres_port)
    made[StorefrontSettings.variable("ingest_url")] = url_of(IngestSettings.from_environ(environ))
    made[StorefrontSettings.variable("console_url")] = url_of(ConsoleSettings.from_environ(environ))
    return {**environ, **{name: value for name, value in made.items() if not environ.get(name)}}


def service(name: str, settings: Listening, folder: RunFolder, environ: Mapping[str, str]) -> Service:
    """A process that runs `shopstream NAME`."""
    return Service(
        name=name,
        command=(sys.executable, "-m", "shopstream", name),
        log=folder.log(name),
        ready=ready_check(url_of(settings)),
        environ=environ,
    )


def postgres_dsn(port: int) -> str:
    """How the embedded Postgres is reached."""
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def without_password(dsn: str) -> str:
    """A connection string that may be shown."""
    from psycopg2.extensions import make_dsn, parse_dsn

    if "://" in dsn:
        scheme, _, rest = dsn.partition("://")
        user, at, place = rest.rpartition("@")
        shown = re.sub(r"(?<=[?&])password=[^&]*", "password=…", place)
        return f"{scheme}://{user.partition(':')[0]}{at}{shown}"
    parts = parse_dsn(dsn)
    if "password" in parts:
        parts["password"] = "…"  # noqa: S105  this is how it is hidden
    return str(make_dsn(**parts))
