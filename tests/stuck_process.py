"""The stream processor with one flaw, for tests of its watchdogs: `python -m tests.stuck_process FLAW`."""

import asyncio
import os
import sys
import time
from typing import Any

from runtime.settings import KafkaSettings, ProcessSettings
from stream_processors import process
from stream_processors.outbox import Outbox
from stream_processors.visitors import VisitorStore


async def never_acknowledged(*_: Any) -> None:
    """What a step sends is never acknowledged; nothing else is held up."""
    await asyncio.Event().wait()


def hangs(*_: Any, **__: Any) -> Any:
    """Code of ours that does not come back, such as a model that has lost its way."""
    time.sleep(600)


def unreadable(*_: Any) -> Any:
    raise ValueError("this state cannot be read")


if __name__ == "__main__":
    match sys.argv[1]:
        case "agent-waits":
            Outbox.send = never_acknowledged  # type: ignore[assignment, method-assign]
        case "fold-hangs":
            VisitorStore.get = hangs  # type: ignore[method-assign]
        case "state-unreadable":
            VisitorStore.recovered = unreadable  # type: ignore[assignment, method-assign]
    sys.exit(process.serve(ProcessSettings.from_environ(os.environ), KafkaSettings.from_environ(os.environ)))
