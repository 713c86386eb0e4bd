"""`make chaos`: under a steady load, ends, freezes, fills and slows what ingest depends on, and counts what was lost.

For each fault an ingest of its own takes about 500 events a second from senders that repeat until they are acknowledged. Then
the spool drains, the sink stores, and every acknowledged event must be in Postgres, once. Exits 1 when one is not.
"""

import asyncio
import itertools
import resource
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2
from rich.console import Console
from rich.table import Table

from contracts.codec import EVENT_DECODER
from contracts.topics import EVENTS
from shopstream.embedded.postgres import embedded_postgres
from tests.apache_kafka.server import missing
from tests.chaos.load import Load
from tests.chaos.slow_link import SlowLink
from tests.chaos.stage import Stage, small_disk, stage
from tests.kafka_records import records_on

BEFORE_S: Final = 3.0
AWAY_S: Final = 6.0
AFTER_S: Final = 4.0
SETTLE_S: Final = 60.0
WIDTH: Final = 140
DISK_BYTES: Final = 4_194_304
SLOW_BYTES_PER_S: Final = 20_000.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the events that were sent around one fault."""

    fault: str
    sent: int
    acknowledged: int
    refusals: int
    stored: int
    duplicate: int
    lost: int
    disordered: int
    """Events that came to Kafka after a later one of the same visitor."""
    repeated: int
    """Records of an event that Kafka had already."""
    first_acknowledged_s: float | None

    @property
    def is_good(self) -> bool:
        return self.acknowledged == self.sent and not (self.lost or self.duplicate or self.disordered)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong, from its beginning until it is repaired."""

    name: str
    play: Callable[[Stage, SlowLink], Awaitable[None]]
    is_linked: bool = False
    needs_disk: bool = False


async def kill_ingest(stage: Stage, _link: SlowLink) -> None:
    stage.send("ingest", signal.SIGKILL)


async def kill_broker(stage: Stage, _link: SlowLink) -> None:
    stage.send("kafka", signal.SIGKILL)
    await asyncio.sleep(AWAY_S)
    await stage.ready("kafka")


async def freeze_broker(stage: Stage, _link: SlowLink) -> None:
    stage.send("kafka", signal.SIGSTOP)
    await asyncio.sleep(AWAY_S)
    stage.send("kafka", signal.SIGCONT)


async def kill_ingest_while_the_broker_is_frozen(stage: Stage, _link: SlowLink) -> None:
    stage.send("kafka", signal.SIGSTOP)
    await asyncio.sleep(AWAY_S / 2)
    stage.send("ingest", signal.SIGKILL)
    await asyncio.sleep(AWAY_S / 2)
    stage.send("kafka", signal.SIGCONT)


async def fill_disk_while_the_broker_is_frozen(stage: Stage, _link: SlowLink) -> None:
    stage.send("kafka", signal.SIGSTOP)
    await asyncio.sleep(AWAY_S / 3)
    if stage.spool.is_mount():
        ballast = stage.spool / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        await asyncio.sleep(AWAY_S / 3)
        ballast.unlink()
    else:
        pid = stage.pid("ingest")
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        await asyncio.sleep(AWAY_S / 3)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    await asyncio.sleep(AWAY_S / 3)
    stage.send("kafka", signal.SIGCONT)


async def slow_broker(_stage: Stage, link: SlowLink) -> None:
    link.bytes_per_s = SLOW_BYTES_PER_S
    await asyncio.sleep(AWAY_S)
    link.bytes_per_s = None


FAULTS: Final = (
    Fault("SIGKILL of ingest", kill_ingest),
    Fault("SIGKILL of the broker", kill_broker),
    Fault("SIGSTOP of the broker", freeze_broker),
    Fault("SIGSTOP of the broker, SIGKILL of ingest", kill_ingest_while_the_broker_is_frozen),
    Fault("SIGSTOP of the broker, full disk", fill_disk_while_the_broker_is_frozen, needs_disk=True),
    Fault("slow broker (20 kB/s)", slow_broker, is_linked=True),
)


async def outcome_of(fault: Fault, number: int, on: Stage) -> Outcome:
    """Play one fault under load, and account for every event."""
    async with AsyncExitStack() as ends:
        watching = asyncio.create_task(on.watch())
        ends.callback(watching.cancel)
        link = SlowLink()
        await ends.enter_async_context(link.open(on.link.outside, on.link.inside))
        folder = on.folder / f"spool-{number}"
        disk = ends.enter_context(small_disk(folder, DISK_BYTES)) if fault.needs_disk else None
        url = await ends.enter_async_context(on.ingest(disk or folder, is_linked=fault.is_linked))
        load, stop = Load(url, f"fault{number}"), asyncio.Event()
        sending = asyncio.create_task(load.send(stop))
        await asyncio.sleep(BEFORE_S)
        began = time.monotonic()
        await fault.play(on, link)
        await load.goes_on(time.monotonic())
        await asyncio.sleep(AFTER_S)
        stop.set()
        await sending
        stored = await _settled(on, load)
    return await asyncio.to_thread(_outcome, fault.name, load, on, stored, began)


async def _settled(on: Stage, load: Load) -> list[str]:
    """The stored message ids, once the spool is empty and all that was acknowledged is there, or time is up."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        waits = await on.waiting_in_spool()
        stored = await asyncio.to_thread(_stored, on.dsn, load.run)
        if waits == 0 and load.acknowledged <= set(stored):
            break
        await asyncio.sleep(0.3)
    return stored


def _stored(dsn: str, run: str) -> list[str]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select message_id from events where message_id like %s", (f"{run}-%",))
        return [message_id for (message_id,) in cursor.fetchall()]


def _outcome(name: str, load: Load, on: Stage, stored: Sequence[str], began: float) -> Outcome:
    times: Counter[str] = Counter()
    first_seen: dict[bytes, list[int]] = defaultdict(list)
    for record in records_on(on.kafka, EVENTS.name, len(stored)):
        message_id = EVENT_DECODER.decode(record.value).message_id
        if message_id.startswith(f"{load.run}-"):
            times[message_id] += 1
            if times[message_id] == 1:
                first_seen[record.key].append(int(message_id.rpartition("-")[2]))
    return Outcome(
        fault=name,
        sent=load.sent,
        acknowledged=len(load.acknowledged),
        refusals=load.refusals,
        stored=len(set(stored)),
        duplicate=len(stored) - len(set(stored)),
        lost=len(load.acknowledged - set(stored)),
        disordered=sum(b < a for seen in first_seen.values() for a, b in itertools.pairwise(seen)),
        repeated=times.total() - len(times),
        first_acknowledged_s=load.first_acknowledged_s(began),
    )


def matrix(faults: Sequence[Fault], folder: Path, dsn: str) -> list[Outcome]:
    """Play the faults one after another on one Kafka and one database. Call from the main thread."""
    with stage(folder, dsn) as on:
        return [asyncio.run(outcome_of(fault, number, on)) for number, fault in enumerate(faults)]


def table_of(outcomes: Sequence[Outcome]) -> Table:
    table = Table("fault", title="Ingest under faults")
    for column in (
        "sent",
        "acked",
        "stored",
        "duplicate",
        "lost",
        "disordered",
        "refusals",
        "twice in Kafka",
        "200 after",
    ):
        table.add_column(column, justify="right")
    for each in outcomes:
        counts = (each.sent, each.acknowledged, each.stored, each.duplicate, each.lost, each.disordered)
        first = "never" if each.first_acknowledged_s is None else f"{each.first_acknowledged_s:.2f} s"
        figures = [f"{count:,}" for count in (*counts, each.refusals, each.repeated)]
        table.add_row(each.fault, *figures, first, style=None if each.is_good else "bold red")
    return table


def main() -> int:
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    if (reason := missing()) is not None:
        console.print(reason)
        return 1
    began = time.monotonic()
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="shopstream-chaos-")))
        dsn = ends.enter_context(embedded_postgres(folder))
        console.print(f"{len(FAULTS)} faults, about 20 seconds each …")
        outcomes = matrix(FAULTS, folder, dsn)
    console.print(table_of(outcomes))
    is_good = all(each.is_good for each in outcomes)
    verdict = "every acknowledged event is in Postgres once" if is_good else "NOT every event is in Postgres once"
    console.print(
        "Lost: acknowledged and not in Postgres. Disordered: in Kafka after a later event of the same visitor."
    )
    console.print(f"{verdict}; {time.monotonic() - began:.0f} s")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
