"""Runs ingest as a process: comes up without Kafka, drains what is in flight when told to stop."""

import gc
import ipaddress
import logging
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import uvicorn

from producers.ingest.app import IngestApp
from producers.ingest.connections import BoundedConnection, Connections
from producers.ingest.key_file import KeyFile
from producers.ingest.publish import EventPublisher, KafkaPublisher
from producers.ingest.spool import Spool, SpoolInUse
from producers.ingest.spool_publisher import SpoolingPublisher
from producers.ingest.write_keys import LOCAL
from producers.tracker import snippet
from runtime.health import Check, degraded_while
from runtime.kafka import kafka_check
from runtime.logs import configure_logging
from runtime.open_files import allow_connections
from runtime.server import Server
from runtime.settings import IngestSettings, KafkaSettings, SettingsError
from runtime.stopping import stop_on_signals

log = logging.getLogger(__name__)

YOUNG_OBJECTS: Final = 20_000
_KEEP_ALIVE_S = 65  # longer than load balancers keep an idle connection, so that they close it and not we


def serve(ingest: IngestSettings, kafka: KafkaSettings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises `SettingsError`. Call from the main thread."""
    configure_logging("ingest")
    # It tells of every attempt, fourteen lines a second while Kafka is away; we tell once, /readyz and /metrics all the time.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    key_file = KeyFile(ingest.write_keys_file) if ingest.write_keys_file else None
    keys = key_file.keys if key_file else LOCAL
    _require_networks(ingest.trusted_proxies)
    listener = _listener(ingest)
    if listener is None:
        return 1
    # uvicorn stops by itself on the same signals, and then raises them again for whoever handled them before.
    stop = stop_on_signals()
    way = _way_of_records(ingest, kafka)
    if way is None:
        listener.close()
        return 1
    app = IngestApp(ingest, keys, way.publisher, snippet=snippet(), checks=way.checks, key_file=key_file)
    allowed = allow_connections(ingest.max_connections)
    if allowed < ingest.max_connections:
        log.warning(
            "the system allows %d connections and not the %d of SHOPSTREAM_INGEST_MAX_CONNECTIONS; raise ulimit -n",
            allowed,
            ingest.max_connections,
        )
    connections = Connections(allowed, ingest.body_timeout_s)
    server = Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http=partial(BoundedConnection, connections),  # type: ignore[arg-type]  # uvicorn only calls it
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="error",  # its warnings are about senders, who could fill the disk with them; /metrics counts them
            access_log=False,
            # Without trusted proxies nobody's X-Forwarded-For counts, also not a local one's, which is uvicorn's default.
            proxy_headers=bool(ingest.trusted_proxies),
            forwarded_allow_ips=list(ingest.trusted_proxies),
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=ingest.kafka_timeout_ms // 1000 + 2,
        ),
        stop,
    )
    # A request leaves no cycles behind that would be worth looking for among all that was loaded at the start.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
    log.info("listening on http://%s:%d", ingest.host, ingest.port)
    with listener:
        server.run(sockets=[listener])
    return 0 if server.started else 1


class _Way(NamedTuple):
    publisher: EventPublisher
    checks: dict[str, Check]


def _way_of_records(ingest: IngestSettings, kafka: KafkaSettings) -> _Way | None:
    """Kafka, with a spool before it when there is to be one; None when its folder cannot be used."""
    to_kafka = KafkaPublisher(kafka, timeout_ms=ingest.kafka_timeout_ms)
    checks: dict[str, Check] = {"kafka": kafka_check(kafka), "topics": to_kafka.check}
    if not ingest.spool_dir:
        return _Way(to_kafka, checks)
    spool = Spool(Path(ingest.spool_dir), max_bytes=ingest.spool_max_bytes, max_age_s=ingest.spool_max_age_s)
    try:
        spool.open()
    except (OSError, SpoolInUse) as error:
        log.error("the spool cannot be used (SHOPSTREAM_INGEST_SPOOL_DIR=%s): %s", ingest.spool_dir, error)
        return None
    publisher = SpoolingPublisher(to_kafka, spool, patience_s=ingest.spool_after_ms / 1000)
    checks = {name: degraded_while(spool.check, check) for name, check in checks.items()}
    checks["spool"] = degraded_while(publisher.check, spool.check)
    return _Way(publisher, checks)


def _listener(ingest: IngestSettings) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in ingest.host else socket.AF_INET
    try:
        return socket.create_server((ingest.host, ingest.port), family=family, backlog=2048)
    except OSError as error:
        log.error(
            "cannot listen on %s:%d: %s; set SHOPSTREAM_INGEST_HOST and SHOPSTREAM_INGEST_PORT to a free address",
            ingest.host,
            ingest.port,
            error.strerror,
        )
        return None


def _require_networks(proxies: Sequence[str]) -> None:
    for each in proxies:
        try:
            ipaddress.ip_network(each)
        except ValueError as error:
            raise SettingsError(
                f"SHOPSTREAM_INGEST_TRUSTED_PROXIES holds {each!r}, which is no address or network: {error}"
            ) from error
