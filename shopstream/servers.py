"""Kafka and Postgres for one run: the ones that the settings name, or embedded ones, with topics and tables made."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import Final

from runtime.settings import KafkaSettings, PostgresSettings
from shopstream.pipeline import is_set, shared_environ
from shopstream.ports import free_port
from shopstream.run_folder import RunFolder
from shopstream.supervise import Supervisor

READY_WITHIN_S: Final = 60.0
BROKERS: Final = KafkaSettings.variable("brokers")
DSN: Final = PostgresSettings.variable("dsn")


@dataclass(frozen=True, slots=True)
class Servers:
    """`broker_port` and `postgres_port` are those of the embedded servers; None where the settings name a server."""

    environ: Mapping[str, str]
    """What the services of this run get."""
    broker_port: int | None
    postgres_port: int | None

    @property
    def kafka(self) -> KafkaSettings:
        return KafkaSettings.from_environ(self.environ)

    @property
    def postgres(self) -> PostgresSettings:
        return PostgresSettings.from_environ(self.environ)

    def kinds(self) -> dict[str, str]:
        """Which kind each server is, for people and reports."""
        ports = {"kafka": self.broker_port, "postgres": self.postgres_port}
        return {name: "external" if port is None else "embedded" for name, port in ports.items()}

    def reach(self) -> dict[str, str]:
        """The settings with which other commands reach these servers."""
        return {name: self.environ[name] for name in (BROKERS, DSN)}


def servers_for(environ: Mapping[str, str]) -> Servers:
    """Decide where both servers will be; nothing is started."""
    broker_port = None if is_set(KafkaSettings, "brokers", environ) else free_port()
    postgres_port = None if is_set(PostgresSettings, "dsn", environ) else free_port()
    shared = shared_environ(environ, broker_port=broker_port, postgres_port=postgres_port)
    return Servers(shared, broker_port, postgres_port)


def start_kafka(servers: Servers, supervisor: Supervisor, folder: RunFolder, stop: Event) -> bool:
    """Start the embedded broker if it is wanted, and create the topics; False when `stop` was set meanwhile.

    Raises `KafkaUnreachable` or `ServiceFailed`.
    """
    from runtime.kafka import create_topics

    if servers.broker_port is not None:
        from shopstream.embedded.broker import broker_service

        supervisor.start(broker_service(folder.log("broker"), servers.broker_port))
        if not supervisor.wait_until_ready(READY_WITHIN_S, stop, "broker"):
            return False
    create_topics(servers.kafka)
    return True


def start_postgres(servers: Servers, supervisor: Supervisor, folder: RunFolder, stop: Event) -> bool:
    """Start the embedded Postgres if it is wanted, and migrate; False when `stop` was set meanwhile.

    Raises `PostgresUnreachable`, `SchemaError` or `ServiceFailed`.
    """
    from sql.migrate import migrate

    if servers.postgres_port is not None:
        from shopstream.embedded.postgres import postgres_service

        supervisor.start(postgres_service(folder.data, folder.log("postgres"), servers.postgres_port))
        if not supervisor.wait_until_ready(READY_WITHIN_S, stop, "postgres"):
            return False
    migrate(servers.postgres.dsn)
    return True
