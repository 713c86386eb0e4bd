"""Logging for a long-running process: one line an event, UTC, to standard error."""

import logging
import time


def configure_logging(service: str, level: int = logging.INFO) -> None:
    """Send the process's log to standard error, each line naming the service."""
    formatter = logging.Formatter(f"%(asctime)s {service} %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Client libraries report each reconnect attempt; /readyz and /metrics say the same once.
    for noisy in ("kafka", "aiokafka", "faust", "mode"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
