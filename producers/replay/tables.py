"""CSV files as text, exactly as written: an empty cell is an empty string, and `007` stays `007`."""

import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from producers.replay.items import ReplayError

CHUNK_ROWS = 100_000


def read(
    path: Path, required: Collection[str], keep: Callable[[pd.DataFrame], pd.DataFrame] | None = None
) -> pd.DataFrame:
    """The whole file, or what `keep` leaves of each part of it. Raises `ReplayError` naming a missing file or column."""
    parts = [keep(part) if keep else part for part in chunks(path, required)]
    return pd.concat(parts, ignore_index=True) if len(parts) != 1 else parts[0]


def chunks(path: Path, required: Collection[str], only: Collection[str] | None = None) -> Iterator[pd.DataFrame]:
    """The file part by part, with all columns or `only` some. Raises `ReplayError` like `read`."""
    with _problems_told(path):
        columns = list(pd.read_csv(path, dtype=str, nrows=0).columns)
        missing = [name for name in required if name not in columns]
        if missing:
            raise ReplayError(
                f"{path} has no column {', '.join(missing)}; it has {', '.join(columns)}. Is --format right?"
            )
        with pd.read_csv(
            path, dtype=str, na_filter=False, chunksize=CHUNK_ROWS, usecols=list(only) if only else None
        ) as parts:
            yield from parts


@contextmanager
def _problems_told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ReplayError(f"{path} does not exist; give the path of the event log") from error
    except IsADirectoryError as error:
        raise ReplayError(f"{path} is a folder; give the file of the event log") from error
    except pd.errors.EmptyDataError as error:
        raise ReplayError(f"{path} is empty; it needs at least the line of column names") from error
    except (pd.errors.ParserError, UnicodeDecodeError, EOFError, zlib.error, OSError) as error:
        raise ReplayError(f"{path} cannot be read as CSV ({error}); fetch it again, it may be cut short") from error
