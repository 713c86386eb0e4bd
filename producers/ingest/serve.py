"""Runs ingest as a process: comes up without Kafka, drains what is in flight when told to stop."""

import gc
import logging
import socket
from pathlib import Path
from typing import Final

import uvicorn

from producers.ingest.app import IngestApp
from producers.ingest.publish import EventPublisher, KafkaPublisher
from producers.ingest.spool import Spool, SpoolInUse
from producers.ingest.spool_publisher import SpoolingPublisher
from producers.ingest.write_keys import write_keys_of
from producers.tracker import snippet
from runtime.health import Check, degraded_while
from runtime.kafka import kafka_check
from runtime.logs import configure_logging
from runtime.settings import IngestSettings, KafkaSettings
from runtime.stopping import stop_on_signals

log = logging.getLogger(__name__)

YOUNG_OBJECTS: Final = 20_000
_KEEP_ALIVE_S = 65  # longer than load balancers keep an idle connection, so that they close it and not we


def serve(ingest: IngestSettings, kafka: KafkaSettings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises `SettingsError`. Call from the main thread."""
    configure_logging("ingest")
    keys = write_keys_of(ingest.write_keys_file)
    listener = _listener(ingest)
    if listener is None:
        return 1
    # uvicorn stops by itself on the same signals, and then raises them again for whoever handled them before.
    stop_on_signals()
    to_kafka = KafkaPublisher(kafka, timeout_ms=ingest.kafka_timeout_ms)
    publisher: EventPublisher = to_kafka
    checks: dict[str, Check] = {"kafka": kafka_check(kafka), "topics": to_kafka.check}
    if ingest.spool_dir:
        spool = Spool(Path(ingest.spool_dir), max_bytes=ingest.spool_max_bytes, max_age_s=ingest.spool_max_age_s)
        try:
            spool.open()
        except (OSError, SpoolInUse) as error:
            log.error("the spool cannot be used (SHOPSTREAM_INGEST_SPOOL_DIR=%s): %s", ingest.spool_dir, error)
            listener.close()
            return 1
        publisher = SpoolingPublisher(to_kafka, spool, patience_s=ingest.spool_after_ms / 1000)
        checks = {name: degraded_while(spool.check, check) for name, check in checks.items()}
        checks["spool"] = degraded_while(publisher.check, spool.check)
    app = IngestApp(ingest, keys, publisher, snippet=snippet(), checks=checks)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=ingest.kafka_timeout_ms // 1000 + 2,
        )
    )
    # A request leaves no cycles behind that would be worth looking for among all that was loaded at the start.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
    log.info("listening on http://%s:%d", ingest.host, ingest.port)
    with listener:
        server.run(sockets=[listener])
    return 0 if server.started else 1


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
