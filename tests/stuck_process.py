"""The stream processor with one flaw, for tests of its watchdogs: `python -m tests.stuck_process FLAW`."""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaTimeoutError

from runtime.settings import KafkaSettings, PostgresSettings, ProcessSettings
from stream_processors import app, process
from stream_processors.delivery import Delivery
from stream_processors.live_models import LiveModels
from stream_processors.outbox import Outbox
from stream_processors.visitors import VisitorStore

log = logging.getLogger(__name__)


async def never_acknowledged(*_: Any) -> None:
    """What a step sends is never acknowledged; nothing else is held up."""
    await asyncio.Event().wait()


def hangs(*_: Any, **__: Any) -> Any:
    """Code of ours that does not come back, such as a model that has lost its way."""
    time.sleep(600)


def unreadable(*_: Any) -> Any:
    raise ValueError("this state cannot be read")


def slow(score: Any) -> Any:
    """A model that takes a second for a poll."""

    def scores(*arguments: Any) -> Any:
        time.sleep(1.0)
        return score(*arguments)

    return scores


def held_up(begin: Any) -> Any:
    """Output of a sweep waits, and whoever wants to fold waits for it, as long as the file named in the environment is there."""

    async def waits(self: Any, outbox: Any, done: Any) -> None:
        _, polls = done.args
        while not polls and Path(os.environ["HELD_UP_BY"]).exists():
            if outbox:
                log.warning("a sweep is held up")
            await asyncio.sleep(0.2)
        await begin(self, outbox, done)

    return waits


class FailsOnce(Outbox):
    """Kafka does not take the first output in time; what comes after it would get through."""

    has_failed = False

    async def send(self) -> Any:
        if len(self) and not FailsOnce.has_failed:
            FailsOnce.has_failed = True
            raise KafkaTimeoutError
        return await super().send()


if __name__ == "__main__":
    match sys.argv[1]:
        case "agent-waits":
            Outbox.send = never_acknowledged  # type: ignore[assignment, method-assign]
        case "send-fails":
            app.Outbox = FailsOnce  # type: ignore[attr-defined]
        case "fold-hangs":
            VisitorStore.get = hangs  # type: ignore[method-assign]
        case "sweep-held-up":
            Delivery.begin = held_up(Delivery.begin)  # type: ignore[method-assign]
        case "model-slow":
            LiveModels.score = slow(LiveModels.score)  # type: ignore[method-assign]
        case "state-unreadable":
            VisitorStore.recovered = unreadable  # type: ignore[assignment, method-assign]
    sys.exit(
        process.serve(
            ProcessSettings.from_environ(os.environ),
            KafkaSettings.from_environ(os.environ),
            PostgresSettings.from_environ(os.environ),
        )
    )
