"""A TCP relay to a server, which can be made slow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class SlowLink:
    """Relays as fast as it can, or `bytes_per_s` in each direction of each connection."""

    def __init__(self) -> None:
        self.bytes_per_s: float | None = None

    @asynccontextmanager
    async def open(self, outside: int, inside: int) -> AsyncIterator[None]:
        """Relay connections to port `outside` to port `inside`."""
        relays: set[asyncio.Task[None]] = set()

        async def relay(client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
            try:
                server_in, server_out = await asyncio.open_connection("127.0.0.1", inside)
            except OSError:
                client_out.close()
                return
            for source, sink in ((client_in, server_out), (server_in, client_out)):
                task = asyncio.create_task(self._pump(source, sink))
                relays.add(task)
                task.add_done_callback(relays.discard)

        server = await asyncio.start_server(relay, "127.0.0.1", outside)
        try:
            yield
        finally:
            server.close()
            for task in tuple(relays):
                task.cancel()
            await asyncio.gather(*relays, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            try:
                while data := await source.read(4096):
                    if self.bytes_per_s is not None:
                        await asyncio.sleep(len(data) / self.bytes_per_s)
                    sink.write(data)
                    await sink.drain()
            finally:
                sink.close()
