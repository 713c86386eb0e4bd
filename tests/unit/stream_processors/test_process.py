import asyncio
import threading
from typing import Any, cast

from stream_processors.process import readiness_of


class AskedApp:
    """Remembers which thread asked it."""

    def __init__(self) -> None:
        self.asked_on: set[int] = set()

    @property
    def started(self) -> bool:
        self.asked_on.add(threading.get_ident())
        return False

    def __getattr__(self, name: str) -> Any:
        self.asked_on.add(threading.get_ident())
        return self


def test_a_probe_of_another_thread_is_answered_on_the_loop_of_the_app() -> None:
    app = AskedApp()

    async def probed() -> str | None:
        return await asyncio.to_thread(readiness_of(cast(Any, app), asyncio.get_running_loop()))

    assert asyncio.run(probed()) == "partitions are not assigned or state is being recovered"
    assert app.asked_on == {threading.get_ident()}


def test_a_probe_that_comes_after_the_end_is_told_so() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    assert readiness_of(cast(Any, AskedApp()), loop)() == "the worker is stopping"
