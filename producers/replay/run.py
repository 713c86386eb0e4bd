"""One replay from a path to a report, as the command line asks for it."""

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from producers.replay import google_merchandise, own, rees46
from producers.replay.items import Recording, ReplayError
from producers.replay.post import Progress, ReplayOptions, ReplayReport, replay

FORMATS: Final[dict[str, Callable[[Path, date | None], Recording]]] = {
    "rees46": rees46.recording,
    "google-merchandise": google_merchandise.recording,
    "own": own.recording,
}


def run(
    path: Path,
    *,
    format: str,
    url: str,
    write_key: str = "history",
    speed: float | None = None,
    day: date | None = None,
    limit: int | None = None,
    on_progress: Progress = lambda done, total: None,
) -> ReplayReport:
    """Replay the file or folder through the ingest at `url`. Raises `ReplayError`."""
    if format not in FORMATS:
        raise ReplayError(f"there is no format {format}; --format takes {', '.join(FORMATS)}")
    if speed is not None and not speed > 0:
        raise ReplayError(f"--speed {speed:g} would never end; give a factor above 0, or max")
    recording = FORMATS[format](path, day)
    options = ReplayOptions(url=url, write_key=write_key, speed=speed, limit=limit)
    return asyncio.run(replay(recording, options, on_progress))
