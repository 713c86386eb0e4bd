"""How many connections the system lets a server have: each is an open file."""

import resource
from typing import Final

_SPARE_FILES: Final = 64
"""Descriptors for everything that is no connection of a server's: Kafka, Postgres, the log, the listening socket."""


def allow_connections(wanted: int) -> int:
    """Let this process have so many connections, as far as the system does; how many it may have, at most what was wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + _SPARE_FILES
    if soft == resource.RLIM_INFINITY or soft >= files:
        return wanted
    allowed = files if hard == resource.RLIM_INFINITY else min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(1, allowed - _SPARE_FILES)
