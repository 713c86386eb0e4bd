"""Where a page is clicked, how far down it is seen, and which pages there are to ask about."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final, get_args

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from console.database import Database, Row
from console.heatmap_bodies import ClickedElement, HeatmapAnswer, HeatmapPage, HeatmapSpot
from console.operations import Operation
from console.problems import Refused, json_response
from contracts.events import DeviceType

MAX_DAYS: Final = 90
MAX_PATH_CHARACTERS: Final = 2_048
COLUMNS: Final = 100
"""Spots across a page's width."""
SPOT_HEIGHT_PX: Final = 10
MAX_SPOTS: Final = 5_000
MAX_PAGES: Final = 100
MAX_ELEMENTS: Final = 50
STEPS: Final = 20
"""Depths of a page of which is told how many came so far, besides its top."""

# A path that ends with `*` is every page below: product pages are alike.
ASKED: Final = """
    occurred_at >= %(since)s
    and (%(device_type)s::text is null or device_type = %(device_type)s)
    and (
        case
            when %(is_prefix)s then starts_with(page_path, %(path)s)
            else left(page_path, 512) = left(%(path)s, 512) and page_path = %(path)s  -- the index has no more of it
        end
    )
"""
PAGES: Final = """
    select page_path as path, count(distinct session_id)::int as sessions, coalesce(sum(click_count), 0)::bigint as clicks
    from page_reports
    where occurred_at >= %(since)s and page_path is not null
        and (%(device_type)s::text is null or device_type = %(device_type)s)
    group by page_path
    order by clicks desc, sessions desc, path
    limit %(limit)s
"""
SPOTS: Final = f"""
    with spot as (
        select
            least(floor(x * %(columns)s), %(columns)s - 1)::int as column,
            floor(y / %(spot_height_px)s)::int as row,
            count(*)::int as clicks,
            (count(*) filter (where is_rage))::int as rage_clicks,
            (count(*) filter (where element is null))::int as dead_clicks
        from clicks
        where {ASKED}
        group by 1, 2
    )
    select
        *,
        (sum(clicks) over ())::int as all_clicks,
        (sum(rage_clicks) over ())::int as all_rage_clicks,
        (sum(dead_clicks) over ())::int as all_dead_clicks
    from spot
    -- Of spots that are clicked alike those left out lie all over the page: by place, its end would look as if nobody clicked there.
    order by clicks desc, md5(concat_ws(' ', "row", "column"))
    limit %(limit)s
"""  # noqa: S608  both texts are ours; what was asked comes as values
ELEMENTS: Final = f"""
    select
        element,
        count(*)::int as clicks,
        (count(*) filter (where is_rage))::int as rage_clicks,
        count(distinct session_id)::int as sessions
    from clicks
    where element is not null and {ASKED}
    group by element
    order by clicks desc, element
    limit %(limit)s
"""  # noqa: S608  both texts are ours; what was asked comes as values
VISITS: Final = f"""
    with visit as (
        select
            session_id,
            least(max(percent_scrolled), 100) as scroll_percent,
            sum(engagement_time_msec) / 1000 as active_s,
            max(page_height_px) as page_height_px
        from page_reports
        where {ASKED}
        group by session_id, page_path
    )
    select
        count(distinct session_id)::int as sessions,
        percentile_disc(0.5) within group (order by page_height_px) as page_height_px,
        percentile_disc(0.5) within group (order by active_s) as active_s,
        array(
            select jsonb_build_array(floor(coalesce(scroll_percent, 0) * %(steps)s / 100)::int, count(*))
            from visit group by floor(coalesce(scroll_percent, 0) * %(steps)s / 100)
        ) as visits_by_step
    from visit
"""  # noqa: S608  both texts are ours; what was asked comes as values


def heatmap(database: Database, path: str | None, device_type: str | None, days: int, now: datetime) -> HeatmapAnswer:
    """The pages of the last days; and of one, or of all below a path that ends with `*`, what happened on it.

    Raises `DatabaseUnreachable`.
    """
    asked: dict[str, Any] = {
        "since": now - timedelta(days=days),
        "device_type": device_type,
        "path": (path or "").removesuffix("*"),
        "is_prefix": (path or "").endswith("*"),
        "columns": COLUMNS,
        "spot_height_px": SPOT_HEIGHT_PX,
        "steps": STEPS,
    }

    def rows(select: str, limit: int = 1) -> list[Row]:
        return database.rows(select, {**asked, "limit": limit})

    pages = [msgspec.convert(row, HeatmapPage) for row in rows(PAGES, MAX_PAGES)]
    nothing = HeatmapAnswer(as_of=now, days=days, path=path, device_type=device_type, pages=pages)
    if path is None:
        return nothing
    spots, (visits,) = rows(SPOTS, MAX_SPOTS), rows(VISITS)
    totals: Row = spots[0] if spots else {}
    return msgspec.structs.replace(
        nothing,
        sessions=visits["sessions"],
        active_s=visits["active_s"],
        page_height_px=visits["page_height_px"],
        clicks=totals.get("all_clicks", 0),
        rage_clicks=totals.get("all_rage_clicks", 0),
        dead_clicks=totals.get("all_dead_clicks", 0),
        spots=[_spot(row) for row in spots],
        elements=[msgspec.convert(row, ClickedElement) for row in rows(ELEMENTS, MAX_ELEMENTS)],
        seen=_shares(dict(visits["visits_by_step"])),
    )


def _spot(row: Row) -> HeatmapSpot:
    """Told by its middle."""
    return HeatmapSpot(
        x=(row["column"] + 0.5) / COLUMNS,
        y=(row["row"] + 0.5) * SPOT_HEIGHT_PX,
        clicks=row["clicks"],
        rage_clicks=row["rage_clicks"],
        dead_clicks=row["dead_clicks"],
    )


def _shares(visits_by_step: dict[int, int]) -> list[float]:
    """The share of all visits that came as far as each step or further."""
    visits = sum(visits_by_step.values())
    further = accumulate(visits_by_step.get(step, 0) for step in reversed(range(STEPS + 1)))
    return [count / visits for count in further][::-1] if visits else []


def heatmap_operation(database: Database, now: Callable[[], datetime]) -> Operation:
    """The endpoint."""

    # Sums over a large shop take seconds: they must not take every connection that people have.
    one_at_a_time = asyncio.Lock()

    async def answer(request: Request) -> Response:
        path, device_type, days = _asked(request)
        async with one_at_a_time:
            return json_response(await run_in_threadpool(heatmap, database, path, device_type, days, now()))

    return Operation(
        "GET",
        "/api/heatmap",
        answer,
        "Where a page was clicked and how far down it was seen; without a path, the pages that can be asked about.",
        HeatmapAnswer,
        query={
            "path": "A page's path, or the beginning of several and `*`, as in /products/*.",
            "device_type": f"Only this device type: {', '.join(get_args(DeviceType))}.",
            "days": f"The last so many days, 1 to {MAX_DAYS}; 7 unless told.",
        },
        problems=(400, 503),
    )


def _asked(request: Request) -> tuple[str | None, str | None, int]:
    """Path, device type and days. Raises `Refused`."""
    asked = request.query_params
    path, device_type, days = asked.get("path") or None, asked.get("device_type") or None, asked.get("days") or "7"
    if path is not None and ("\0" in path or len(path) > MAX_PATH_CHARACTERS):
        raise Refused(
            400, "schema", f"`path` has a NUL character in it or more than {MAX_PATH_CHARACTERS:,} characters"
        )
    if device_type is not None and device_type not in get_args(DeviceType):
        raise Refused(400, "schema", f"`device_type` takes one of {', '.join(get_args(DeviceType))}")
    if not (days.isascii() and days.isdigit() and len(days) < 4 and 1 <= int(days) <= MAX_DAYS):
        raise Refused(400, "schema", f"`days` takes a whole number from 1 to {MAX_DAYS}")
    return path, device_type, int(days)
