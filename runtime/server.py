"""A uvicorn server that minds the signals of its whole process, also those from before it listened for them itself."""

import threading

import uvicorn


class Server(uvicorn.Server):
    """Stops as well for a signal that `stop_on_signals` heard while the service was still being put together."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event) -> None:
        super().__init__(config)
        self._stop = stop

    async def main_loop(self) -> None:
        if not self._stop.is_set():
            await super().main_loop()
