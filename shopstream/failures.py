"""The one place that turns an expected failure into a sentence; anything else is a bug and keeps its traceback."""

import errno
from collections.abc import Mapping
from typing import Final

FAILED: Final = 1
"""Exit code of a command that could not do its work now."""
WRONGLY_CALLED: Final = 2
"""Exit code of a command that cannot work with these arguments or settings; starting it again changes nothing."""


class CommandFailed(RuntimeError):
    """A command ends without success; the text is one sentence for people."""


class CommandWronglyCalled(ValueError):
    """Arguments that cannot work together; the text says what to give instead."""


# By name, so that a command does not pay for importing what it does not use.
EXPECTED: Final[Mapping[str, int]] = {
    "shopstream.failures.CommandFailed": FAILED,
    "shopstream.failures.CommandWronglyCalled": WRONGLY_CALLED,
    "shopstream.ports.PortTaken": FAILED,
    "shopstream.run_folder.FolderInUse": FAILED,
    "shopstream.supervise.ServiceFailed": FAILED,
    "runtime.settings.SettingsError": WRONGLY_CALLED,
    "runtime.health.CannotListen": FAILED,
    "runtime.kafka.KafkaUnreachable": FAILED,
    "runtime.kafka.TopicMismatch": FAILED,
    "runtime.recordings.RecordingError": FAILED,
    "sql.connection.PostgresUnreachable": FAILED,
    "sql.migrate.SchemaError": FAILED,
    "stream_processors.persist_kafka.TopicsMissing": FAILED,
    "console.database.DatabaseUnreachable": FAILED,
    "models.training.TrainingFailed": FAILED,
    "models.registry.RegistryError": FAILED,
    "models.serving.ModelMismatch": WRONGLY_CALLED,
    "models.policy.PolicyError": WRONGLY_CALLED,
    "producers.replay.items.ReplayError": FAILED,
    "producers.dead_letters.fix_errors.FixError": WRONGLY_CALLED,
    "dashboards.build.DashboardsUnbuildable": FAILED,
    "dashboards.push.PushRefused": FAILED,
}
"""Exceptions whose text is a sentence for people, with the exit code each means."""


def sentence_of(error: BaseException) -> tuple[str, int] | None:
    """What to tell people, and the exit code; None for a bug."""
    for kind in type(error).__mro__:
        code = EXPECTED.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            return str(error), code
    match error:
        case OSError(errno=errno.EADDRINUSE):
            return f"{error.strerror}; stop what uses the port, or choose another (docs/settings.md)", FAILED
        case FileNotFoundError(filename=str(name)):
            return f"{name} does not exist", FAILED
        case IsADirectoryError(filename=str(name)):
            return f"{name} is a folder; give a file", FAILED
        case NotADirectoryError(filename=str(name)):
            return f"{name} is a file; give a folder", FAILED
        case FileExistsError(filename=str(name)):
            return f"{name} is in the way; move it elsewhere", FAILED
        case PermissionError(filename=str(name)):
            return f"{name} may not be opened by this user", FAILED
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EROFS):
            place = f"{error.filename} cannot be written" if error.filename else "a file cannot be written"
            return f"{place}: {error.strerror}; make room there, or go to another folder", FAILED
        case UnicodeEncodeError(reason="surrogates not allowed"):
            return "an argument or a setting is not UTF-8; Shopstream's ids and addresses are", WRONGLY_CALLED
    return _of_a_library(error)


def _of_a_library(error: BaseException) -> tuple[str, int] | None:
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    # Postgres ends some of its sentences with the line of the statement.
    reason = " ".join(str(error).partition("\nLINE ")[0].split())
    if "psycopg2.errors.UndefinedTable" in names:
        return "the database has no Shopstream tables; run `shopstream migrate`", FAILED
    if "psycopg2.errors.UndefinedColumn" in names:
        return f"the database's tables are of an older Shopstream ({reason}); run `shopstream migrate`", FAILED
    if "psycopg2.errors.InsufficientPrivilege" in names:
        return (
            f"Postgres does not let this user do it ({reason}); grant it, or name another in SHOPSTREAM_POSTGRES_DSN",
            FAILED,
        )
    if "psycopg2.errors.ReadOnlySqlTransaction" in names:
        return f"Postgres only lets us read ({reason}); name the primary server in SHOPSTREAM_POSTGRES_DSN", FAILED
    if "psycopg2.OperationalError" in names or "psycopg2.InterfaceError" in names:
        return f"Postgres went away: {reason}; `shopstream doctor` says what is wrong", FAILED
    if "kafka.errors.KafkaError" in names:
        return f"Kafka refused: {reason}; `shopstream doctor` says what is wrong", FAILED
    return None
