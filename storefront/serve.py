"""`shopstream storefront`: the demo shop as a process."""

import logging

import uvicorn

from runtime.logs import configure_logging
from runtime.server import Server
from runtime.settings import StorefrontSettings
from runtime.stopping import stop_on_signals
from storefront.app import storefront

log = logging.getLogger(__name__)


def serve(settings: StorefrontSettings) -> int:
    """Serve the shop until SIGTERM or SIGINT; the exit code. Call from the main thread."""
    configure_logging("storefront")
    stop = stop_on_signals()  # uvicorn raises the signal again after it has stopped; this makes that harmless
    server = Server(
        uvicorn.Config(
            storefront(settings),
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        ),
        stop,
    )
    log.info("listening on http://%s:%d", settings.host, settings.port)
    try:
        server.run()
    except SystemExit:  # uvicorn could not bind, and has said why
        log.error("cannot listen on %s:%d; set SHOPSTREAM_STOREFRONT_PORT to a free port", settings.host, settings.port)
        return 1
    return 0 if server.started else 1
