"""The app as it is made, before it starts."""

import asyncio

from models.policy import Policy
from runtime.settings import KafkaSettings, ProcessSettings
from stream_processors.app import make_app
from stream_processors.shelves import MemoryShelf
from stream_processors.watchdog import Progress


def test_a_health_check_that_comes_early_does_not_give_recovery_to_the_event_loop_of_its_thread() -> None:
    async def story() -> None:
        app = make_app(ProcessSettings(), KafkaSettings(), Progress(), lambda _: MemoryShelf(), Policy.load())
        recovery = await asyncio.to_thread(lambda: app.tables.recovery)  # type: ignore[attr-defined]
        assert recovery.loop is asyncio.get_running_loop()

    asyncio.run(story())
