"""Logs of real shops as examples: read, mapped and folded by the code that live events go through, on all cores."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from os import cpu_count
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

from contracts.codec import EVENT_DECODER
from contracts.events import Event
from models.examples import Example, Place, examples_of
from models.tables import Table, joined, table_of
from models.visitor import FOLDED_FROM, FOLDED_TO
from producers.ingest.accept import event_of_bytes
from producers.ingest.rejections import Rejection
from producers.ingest.write_keys import HISTORY
from producers.replay import dmm, google_merchandise, own, rees46
from producers.replay.items import ReplayError, ReplayItem
from runtime import recordings
from shopstream.failures import sentence_of
from shopstream.own_history import own_history

CURVE: Final = (1, 2, 3, 5, 8, 10, 15, 20, 30)
"""Lengths at which a log is judged."""
TAUGHT: Final = frozenset({*CURVE, 4, 6, 12, 18, 24, *range(36, 65, 8), *range(80, 513, 24)})
"""Lengths that are learnt from: a session's neighbouring states are alike, and cost as much as others."""
POSTGRES: Final = "postgres"
"""In place of a path and its format: what the sink has stored."""
MAX_BYTES: Final = 1_000_000
EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
REPORT_EVERY: Final = 2_000

Choice = Callable[[str], bool]
"""Whether a visitor's events are wanted."""
Stories = tuple[int, Iterator[list[Event]]]
"""How many events some visitors have, and each visitor's in order of time."""
Progress = Callable[[int, int], None]
"""Told how many events are done, of how many."""


class _Own(msgspec.Struct):
    """What a log's own words say of the visit an event belongs to."""

    ga_session: str | None = None
    ga_hit: float | None = None
    user_session: str | None = None


_own = msgspec.json.Decoder(_Own)


@dataclass(frozen=True, slots=True)
class Log:
    """How a format is read, and where it comes from. `stories` takes the path, a part of the visitors, and how many parts there are."""

    stories: Callable[[Path, int, int], Stories]
    name: str
    licence: str
    curve: tuple[int, ...] = CURVE


def _in_files(items: Callable[[Path, Choice], Iterator[ReplayItem | Event]]) -> Callable[[Path, int, int], Stories]:
    """The stories of a format that is read from the first line to the last."""

    def stories(path: Path, part: int, parts: int) -> Stories:
        found: dict[str, dict[str, ReplayItem | Event]] = defaultdict(dict)
        for item in items(path, lambda visitor_id: crc32(visitor_id.encode("utf-8", "replace")) % parts == part):
            found[item.visitor_id].setdefault(item.message_id, item)
        count = sum(map(len, found.values()))
        return count, (list(_events(found.pop(visitor_id).values())) for visitor_id in sorted(found))

    return stories


def _recorded(path: Path, choice: Choice) -> Iterator[Event]:
    """The events of a recording of our own topics, as the stream decoded them; what it buried is passed over."""
    if path.is_dir():
        raise ReplayError(f"{path} is a folder; give the file that `shopstream topics record` wrote")
    try:
        for record in recordings.events_in_file(path):
            if record.value is None:
                continue
            with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
                event = EVENT_DECODER.decode(record.value)
                if choice(event.visitor_id):
                    yield event
    except FileNotFoundError as error:
        raise ReplayError(f"{path} does not exist; `shopstream topics record {path}` makes one") from error
    except recordings.RecordingError as error:
        raise ReplayError(str(error)) from error


LOGS: Final = {
    "google-merchandise": Log(
        _in_files(lambda path, choice: google_merchandise.recording(path, choice=choice).items),
        "Google Merchandise Store (Google Analytics sample)",
        "published by Google for learning; no licence to pass the rows on",
    ),
    "rees46": Log(
        _in_files(
            lambda path, choice: (
                item for file in rees46.files(path) for item in rees46.recording(file).items if choice(item.visitor_id)
            )
        ),
        "multi-category store of REES46 (Open CDP)",
        "free to use when the source is named",
    ),
    "dmm": Log(
        _in_files(dmm.items),
        "ClickstreamDMM (Ozyurt, Hatt, Zhang, Feuerriegel, WWW 2022)",
        "published for benchmarks; no licence to pass the rows on",
        curve=(1, 2, 3, 4, 5, 6),
    ),
    "own": Log(
        _in_files(lambda path, choice: (item for item in own.recording(path).items if choice(item.visitor_id))),
        "the shop's own log",
        "the shop's own",
    ),
    "recorded": Log(_in_files(_recorded), "the shop's own events, recorded from its topics", "the shop's own"),
    POSTGRES: Log(
        lambda _, part, parts: own_history(part, parts), "the shop's own history in Postgres", "the shop's own"
    ),
}


def table_from(path: Path, format: str, progress: Progress = lambda done, total: None, *, workers: int = 0) -> Table:
    """Every session of the log at all lengths. Raises `ReplayError`.

    Visitors are shared out among processes: a visitor's story stays whole, and the table does not depend on how many there are.
    """
    if format not in LOGS:
        raise ReplayError(f"there is no format {format}; --format takes {', '.join(LOGS)}")
    count = workers or cpu_count() or 1
    if count == 1:
        return table_of(_examples(path, format, 0, 1, progress)).in_order()
    context = get_context("spawn")
    lines: list[Connection] = []
    processes = []
    try:
        for part in range(count):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(theirs, path, format, part, count), daemon=True)
            process.start()
            theirs.close()
            lines.append(ours)
            processes.append(process)
        return joined(_gathered(lines, progress)).in_order()
    finally:
        for process in processes:
            process.kill()
            process.join()
            process.close()
        for line in lines:
            line.close()


def _gathered(lines: list[Connection], progress: Progress) -> list[Table]:
    tables: list[Table] = []
    counts: dict[Connection, tuple[int, int]] = dict.fromkeys(lines, (0, 0))
    waiting = list(lines)
    while waiting:
        for line in wait(waiting):
            assert isinstance(line, Connection)
            try:
                said = line.recv()
            except EOFError:
                raise ReplayError(
                    "a process that read the log ended early, perhaps for want of memory; give more of that, or fewer files at a time"
                ) from None
            if isinstance(said, tuple):
                counts[line] = said
                progress(sum(done for done, _ in counts.values()), sum(total for _, total in counts.values()))
                continue
            if isinstance(said, str):
                raise ReplayError(said)
            tables.append(said)
            waiting.remove(line)
    return tables


def _work(line: Connection, path: Path, format: str, part: int, parts: int) -> None:
    try:
        line.send(table_of(_examples(path, format, part, parts, lambda done, total: line.send((done, total)))))
    except BrokenPipeError:  # whoever asked is gone, and nobody waits for an answer
        pass
    except Exception as error:
        told = sentence_of(error)
        if told is None:
            raise
        with suppress(BrokenPipeError):
            line.send(told[0])
    finally:
        line.close()


def _examples(path: Path, format: str, part: int, parts: int, progress: Progress) -> Iterator[Example]:
    total, stories = LOGS[format].stories(path, part, parts)
    done = 0
    for story in stories:
        yield from examples_of(story, visit_of=visit_of, lengths=TAUGHT, with_bots=True)
        before, done = done, done + len(story)
        if done // REPORT_EVERY > before // REPORT_EVERY:
            progress(done, total)
    progress(total, total)


def visit_of(event: Event) -> Place | None:
    """The visit an event belongs to by its log's own count."""
    try:
        own = _own.decode(event.custom)
    except msgspec.ValidationError:  # no object, or not of these types: it tells nothing of a visit
        return None
    if own.ga_session is not None:
        # Each file of a Google export numbers its visits anew; the visitor's count goes on.
        visit = f"{own.ga_session}/{event.properties.ga_session_number}"
        return Place(visit, None if own.ga_hit is None else int(own.ga_hit))
    return None if own.user_session is None else Place(own.user_session)


def _events(story: Iterable[ReplayItem | Event]) -> Iterator[Event]:
    """What ingest would publish and the stream fold, in the order of time; what either would refuse teaches nothing."""
    for item in sorted(story, key=_moment):
        if item.occurred_at is None or not FOLDED_FROM <= item.occurred_at < FOLDED_TO:
            continue
        if isinstance(item, Event):
            yield item
        else:
            event = event_of_bytes(item.body, write_key=HISTORY, received_at=item.occurred_at, max_bytes=MAX_BYTES)
            if not isinstance(event, Rejection):
                yield event


def _moment(item: ReplayItem | Event) -> tuple[datetime, str]:
    """Of equal moments, a log's rows stay in its order; our own events have the fold's."""
    return item.occurred_at or EARLIEST, item.message_id if isinstance(item, Event) else ""
