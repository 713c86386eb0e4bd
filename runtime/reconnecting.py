"""A pause between a Kafka client's attempts to reach brokers that are away."""

import asyncio
from typing import Any, Final

AGAIN_AFTER_S: Final = 0.5


def pause_between_attempts(client: Any) -> None:
    """Make an aiokafka client wait after a vain request for metadata.

    Whoever misses a leader asks for metadata at once and again: on a machine where nothing listens any more, thousands of
    times a second, each with two lines of log.
    """
    ask = client._metadata_update

    async def ask_then_wait(*args: Any) -> bool:
        is_known = bool(await ask(*args))
        if not is_known:
            await asyncio.sleep(AGAIN_AFTER_S)
        return is_known

    client._metadata_update = ask_then_wait
