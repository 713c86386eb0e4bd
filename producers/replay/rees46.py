"""REES46 open event logs (multi-category store, cosmetics, …): one row is one event of one product.

Columns, in any order: `event_time` (UTC), `event_type` (view, cart, remove_from_cart, purchase), `product_id`, `category_id`,
`category_code`, `brand`, `price` (USD), `user_id`, `user_session`. A row without a session is an event like any other:
our sessions are cut by the stream, the file's own travels as the custom parameter `user_session`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pandas as pd

from contracts import event_names
from contracts.ids import derived_id
from producers.replay import tables
from producers.replay.items import Recording, ReplayError, ReplayItem, item, number, told

REQUIRED: Final = ("event_time", "event_type", "product_id", "user_id")
EVENT_NAMES: Final = {
    "view": event_names.VIEW_ITEM,
    "cart": event_names.ADD_TO_CART,
    "remove_from_cart": event_names.REMOVE_FROM_CART,
    "purchase": event_names.PURCHASE,
}


def recording(path: Path, day: date | None = None) -> Recording:
    """The events of a file, or of one UTC day of it. A file already in event-time order is streamed, never held whole."""
    row_count, is_ordered = _survey(path, day)
    return Recording(row_count, _items(path, day, is_ordered))


def files(path: Path) -> list[Path]:
    """The file, or all files of events in a folder, or in those below it where it has none itself, by name."""
    if not path.is_dir():
        return [path]
    found = _tables(path.iterdir()) or _tables(path.rglob("*"))
    if not found:
        raise ReplayError(f"{path} has no .csv or .csv.gz file; give the file or the folder of the event log")
    return found


def _tables(files: Iterator[Path]) -> list[Path]:
    return sorted(each for each in files if each.name.endswith((".csv", ".csv.gz")))


def item_of(row: Mapping[str, str]) -> ReplayItem:
    """The event a row tells. Its id is made of all the row's values, so equal rows are one event."""
    timestamp, occurred_at = instant(row["event_time"])
    price = number(row.get("price", ""))
    product = {
        "item_id": row["product_id"],
        "item_brand": row.get("brand") or None,
        "item_category": row.get("category_code") or None,
        "price": price,
        "quantity": 1,
    }
    return item(
        EVENT_NAMES.get(row["event_type"], row["event_type"]),
        message_id=derived_id("rees46", *(row[column] for column in sorted(row))),
        visitor_id=row["user_id"],
        timestamp=timestamp,
        occurred_at=occurred_at,
        properties={
            "currency": "USD" if price is not None else None,
            "value": price,
            "items": [told(product)],
            "category_id": row.get("category_id") or None,
            "user_session": row.get("user_session") or None,
        },
        context={},
    )


def instant(text: str) -> tuple[str, datetime | None]:
    """`2019-10-01 00:00:01 UTC` as ISO 8601 and as a moment; text that is no time stays as it is."""
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last day there is, in another zone, are in no year of ours
        return text, None
    return moment.isoformat().replace("+00:00", "Z"), moment


def _survey(path: Path, day: date | None) -> tuple[int, bool]:
    """How many rows there are, and whether they are in event-time order."""
    row_count, is_ordered, newest = 0, True, ""
    for part in tables.chunks(path, REQUIRED, only=["event_time"]):
        times = _of_day(part, day)["event_time"]
        if times.empty:
            continue
        row_count += len(times)
        is_ordered = is_ordered and newest <= times.iloc[0] and times.is_monotonic_increasing
        newest = times.iloc[-1]
    return row_count, is_ordered


def _items(path: Path, day: date | None, is_ordered: bool) -> Iterator[ReplayItem]:
    parts: Iterable[pd.DataFrame]
    if is_ordered:
        parts = (_of_day(part, day) for part in tables.chunks(path, REQUIRED))
    else:
        whole = tables.read(path, REQUIRED, lambda part: _of_day(part, day))
        parts = [whole.sort_values("event_time", kind="stable")]
    for part in parts:
        columns = list(part.columns)
        for values in part.itertuples(index=False, name=None):
            yield item_of(dict(zip(columns, values, strict=True)))


def _of_day(part: pd.DataFrame, day: date | None) -> pd.DataFrame:
    return part if day is None else part[part["event_time"].str.startswith(day.isoformat())]
