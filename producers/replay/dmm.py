"""ClickstreamDMM (WWW 2022): page views of a European shop with a class of page and seconds, labelled by session.

The publisher names neither the classes nor the day, and does not mark the moment of purchase. The names of the classes here are
inferred from how often and by whom they are seen. Each session is its own visitor; they begin one after another within a few minutes
of one made-up hour, in an order drawn from their ids, so that a split in time is a split by chance. A session that bought gets one
purchase after its last page: only what came long before it is an early score, so judge the first six pages.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zlib import crc32

from contracts import event_names
from contracts.ids import derived_id
from producers.replay import tables
from producers.replay.items import ReplayError, ReplayItem, item, number

PAGES: Final = {
    "0": (event_names.PAGE_VIEW, "/"),
    "1": (event_names.PAGE_VIEW, "/account"),
    "2": (event_names.VIEW_ITEM_LIST, "/overview"),
    "3": (event_names.VIEW_ITEM, "/product"),
    "4": (event_names.VIEW_PROMOTION, "/marketing"),
    "5": (event_names.PAGE_VIEW, "/community"),
    "6": (event_names.BEGIN_CHECKOUT, "/checkout"),
}
START: Final = datetime(2021, 3, 1, 12, tzinfo=UTC)
STEP: Final = timedelta(milliseconds=10)
MAX_SECONDS: Final = 10**9
"""No visit is longer than thirty years."""


def items(path: Path, choice: Callable[[str], bool]) -> Iterator[ReplayItem]:
    """The events of a folder with a file of sessions and one of page events, session by session."""
    folder = path if path.is_dir() else path.parent
    sessions = tables.read(file_of(folder, "sessions"), ("session", "purchase"))
    pages_file = file_of(folder, "page_events")
    pages = tables.read(pages_file, ("session", "page", "seconds"))
    order = sorted(sessions["session"], key=lambda session: (crc32(session.encode()), session))
    starts = {session: START + place * STEP for place, session in enumerate(order)}
    bought = dict(zip(sessions["session"], sessions["purchase"], strict=True))
    views: dict[str, list[tuple[int, str]]] = {}
    for session, page, seconds in zip(pages["session"], pages["page"], pages["seconds"], strict=True):
        views.setdefault(session, []).append((_seconds(seconds, pages_file), page))
    for session, story in views.items():
        if session not in starts or not choice(f"dmm-{session}"):
            continue
        story.sort(key=lambda view: view[0])  # stable: pages of one second keep their order
        for place, (seconds, page) in enumerate(story):
            name, page_path = PAGES.get(page, (event_names.PAGE_VIEW, "/other"))
            yield _item(
                name, session, place, starts[session] + timedelta(seconds=seconds, microseconds=place), page_path
            )
        if bought[session] not in ("0", "False", ""):
            end = starts[session] + timedelta(seconds=story[-1][0] + 1)
            yield _item(event_names.PURCHASE, session, len(story), end, "/purchase")


def file_of(folder: Path, kind: str) -> Path:
    """The one CSV file with `sessions` or `page_events` in its name, gzipped or plain, in the folder or else below it.

    Raises `ReplayError`.
    """

    def named(files: Iterator[Path]) -> list[Path]:
        return sorted(
            each for each in files if each.name.endswith((".csv", ".csv.gz")) and kind in each.name.replace("-", "_")
        )

    found = named(folder.glob("*")) or named(folder.rglob("*"))
    if len(found) > 1:
        raise ReplayError(
            f"{folder} has {', '.join(str(each.relative_to(folder)) for each in found)}; give the folder of one clickstream, with one file of {kind}"
        )
    if not found:
        raise ReplayError(f"{folder} has no {kind}.csv.gz; give the folder of the clickstream")
    return found[0]


def _seconds(text: str, file: Path) -> int:
    value = number(text)
    if not isinstance(value, float) or abs(value) > MAX_SECONDS:
        raise ReplayError(f"{file}: column seconds holds {text!r}, which is no number of seconds")
    return int(value)


def _item(name: str, session: str, number: int, moment: datetime, page_path: str) -> ReplayItem:
    return item(
        name,
        message_id=derived_id("dmm", session, str(number)),
        visitor_id=f"dmm-{session}",
        timestamp=moment.isoformat().replace("+00:00", "Z"),
        occurred_at=moment,
        properties={
            "is_page_view": True if name not in (event_names.PAGE_VIEW, event_names.PURCHASE) else None,
            "user_session": session,
        },
        context={"page": {"path": page_path}},
    )
