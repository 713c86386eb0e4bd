"""The shop's dashboard: sessions, funnel, revenue, likelihood, personas, incentives, and who is here now."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from dashboards.panels import MONEY, PERCENT, columns, lines, number, rows, steps
from dashboards.sources import series, view

# A row of an hourly or daily view belongs to the range when any of its time does.
HOURS: Final = "hour between $__timeFrom()::timestamptz - interval '1 hour' and $__timeTo()::timestamptz"
DAYS: Final = "day between $__timeFrom()::timestamptz - interval '1 day' and $__timeTo()::timestamptz"
UNITS: Final = {
    "share": PERCENT,
    "likelihood": PERCENT,
    "conversion rate": PERCENT,
    "revenue": MONEY,
    "time on site": "s",
}
GROUP: Final = (
    'sessions, share, average_likelihood as "likelihood", conversion_rate as "conversion rate", revenue, '
    'avg_session_time_s as "time on site"'
)
"""Columns that every view of a group of sessions has."""


def business() -> Dashboard:
    board = Dashboard("Shopstream: the shop").uid("shopstream-business").tags(["shopstream"]).timezone("browser")
    board = board.readonly().refresh("10s").time("now-6h", "now").tooltip(DashboardCursorSync.CROSSHAIR)
    for part in (_now, _sessions, _revenue, _visitors, _incentives, _bots, _live):
        board = part(board)
    return board


def _now(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("The last 24 hours"))
    for title, column, unit, decimals in (
        ("Active sessions", "active_sessions", "short", 0),
        ("Sessions", "total_sessions", "short", 0),
        ("Visitors", "total_visitors", "short", 0),
        ("Conversion rate", "conversion_rate", PERCENT, 2),
        ("Purchases", "total_purchases", "short", 0),
        ("Revenue", "total_revenue", MONEY, None),
        ("Average order", "average_order_value", MONEY, None),
        ("In open carts", "open_cart_value", MONEY, None),
    ):
        board = board.with_panel(number(title, view("dashboard_realtime", column), unit=unit, decimals=decimals))
    return board


def _sessions(board: Dashboard) -> Dashboard:
    started = series("sessions_by_minute", "sessions, converted_sessions as bought", at="minute")
    funnel = view(
        "funnel_by_hour",
        'sum(sessions) as "sessions", sum(sessions_with_product_view) as "saw a product", '
        'sum(sessions_with_cart) as "filled a cart", sum(sessions_with_checkout) as "went to checkout", '
        'sum(sessions_with_purchase) as "bought"',
        where=HOURS,
    )
    conversion = series(
        "funnel_by_hour",
        "sessions_with_purchase::float / nullif(sessions, 0) as bought, "
        'sessions_with_cart::float / nullif(sessions, 0) as "filled a cart"',
        at="hour",
        where=HOURS,
    )
    acts = view("events_by_name", "event_name, events", order="events desc limit 15")
    board = board.with_row(Row("Sessions and funnel"))
    board = board.with_panel(lines("Sessions started", started, description="A minute, of the last 24 hours at most."))
    reached = "Sessions that started in the range, and how many of them reached each step."
    board = board.with_panel(steps("Funnel", funnel, description=reached))
    board = board.with_panel(lines("Conversion by hour", conversion, unit=PERCENT))
    return board.with_panel(columns("Events by name", acts, x="event_name", description="Of the last 24 hours."))


def _revenue(board: Dashboard) -> Dashboard:
    hourly = series("funnel_by_hour", "revenue", at="hour", where=HOURS)
    daily = series("sales_by_day", "purchases, buyers", at="day", where=DAYS)
    channels = view("channel_performance", f"channel, {GROUP}", order="sessions desc")
    devices = view("device_performance", f"device_type as device, {GROUP}", order="sessions desc")
    board = board.with_row(Row("Revenue and where it comes from"))
    board = board.with_panel(
        lines("Revenue by hour", hourly, unit=MONEY, description="By the hour the session started.")
    )
    board = board.with_panel(lines("Purchases and buyers by day", daily))
    board = board.with_panel(rows("Channels", channels, units=UNITS, span=12))
    return board.with_panel(rows("Devices", devices, units=UNITS, span=12))


def _visitors(board: Dashboard) -> Dashboard:
    likelihood = view(
        "likelihood_distribution",
        "(likelihood_from * 100)::int || '–' || (likelihood_to * 100)::int || ' %' as likelihood, sessions, "
        "converted_sessions as bought",
        order="likelihood_from",
    )
    personas = view("persona_distribution", f"persona, {GROUP}", order="sessions desc")
    over_time = series("personas_by_hour", "persona as metric, sessions", at="hour", where=HOURS)
    styles = view("style_distribution", f"style, {GROUP}", order="sessions desc")
    explained = "Sessions by their latest score, and how many of them bought."
    board = board.with_row(Row("Likelihood, personas and styles"))
    board = board.with_panel(columns("Likelihood of purchase", likelihood, x="likelihood", description=explained))
    board = board.with_panel(rows("Personas", personas, units=UNITS, span=12))
    board = board.with_panel(lines("Personas by hour", over_time, is_stacked=True))
    return board.with_panel(rows("Shopping styles", styles, units=UNITS, span=12))


def _incentives(board: Dashboard) -> Dashboard:
    performance = view(
        "incentive_performance",
        'type, arm, decided, offered, shown, accepted, dismissed, conversions, conversion_rate as "conversion rate", '
        "lift, revenue",
        order="type, arm desc",
    )
    explained = "Lift compares with the holdout arm, which was decided the same incentive and never saw it."
    board = board.with_row(Row("Incentives"))
    board = board.with_panel(
        rows("Incentives against their holdout", performance, units={**UNITS, "lift": PERCENT}, description=explained)
    )
    budgets = view(
        "budget_by_day",
        'day, budget, per_day as "per day", offered_cost as "offered", set_aside as "set aside", unreserved as "left", '
        'offers, accepted, is_kept as "kept"',
        order="day desc, budget",
    )
    explained = "The most that a day's offers can cost the shop, of what the policy allows. Days are of UTC."
    return board.with_panel(rows("Budgets of incentives", budgets, description=explained))


def _bots(board: Dashboard) -> Dashboard:
    share = series("bot_share_by_hour", 'bot_share as "bots"', at="hour", where=HOURS)
    counts = series("bot_share_by_hour", 'sessions, bot_sessions as "bots"', at="hour", where=HOURS)
    explained = "Every other panel of this board leaves them out: sessions whose bot score is 0.5 or more."
    board = board.with_row(Row("Bots"))
    board = board.with_panel(lines("Bots' share of all sessions", share, unit=PERCENT, description=explained))
    return board.with_panel(lines("Sessions of people and of bots", counts, is_stacked=True))


def _live(board: Dashboard) -> Dashboard:
    here = view(
        "live_sessions",
        "last_seen_at, visitor_id, persona, style, likelihood, incentive_type, incentive_message, arm, cart_value, "
        "event_count, last_path, device_type, channel",
        where="bot_score < 0.5",
        order="last_seen_at desc limit 100",
    )
    board = board.with_row(Row("Here now"))
    return board.with_panel(rows("Live sessions", here, units={"likelihood": PERCENT, "cart_value": MONEY}, height=12))
