"""The models' dashboard: which is in force, how good its scores turned out, the challenger beside it, and drift."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from dashboards.panels import PERCENT, lines, number, rows
from dashboards.sources import metric, series, view

HOURS: Final = (
    "hour between $__timeFrom()::timestamptz - interval '1 hour' and $__timeTo()::timestamptz "
    "and prefix in ('1', '5', 'last')"
)
LINE: Final = "role || ' ' || model_version || ', ' || prefix as metric"
"""Names a line by who said it and after how many events."""


def models() -> Dashboard:
    board = Dashboard("Shopstream: the models").uid("shopstream-models").tags(["shopstream"]).timezone("browser")
    board = board.readonly().refresh("1m").time("now-24h", "now").tooltip(DashboardCursorSync.CROSSHAIR)
    for part in (_in_force, _performance, _over_time, _drift):
        board = part(board)
    return board


def _in_force(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("In force"))
    for title, expr, alarm in (
        ("Models refused", "max(process_models_refused)", 1),
        ("Features that moved", "count(avg by (feature) (process_feature_psi) > 0.25) or vector(0)", 1),
        ("Polls the challenger failed, in an hour", "sum(increase(process_shadow_failures_total[1h]))", 1),
    ):
        board = board.with_panel(number(title, metric(expr), alarm=alarm, decimals=0))
    serving = lines(
        "Workers serving each version",
        metric("sum by (role, version) (process_model_info)", "{{role}} {{version}}"),
        description="Two champions for longer than seconds: workers that read different registries.",
    )
    return board.with_panel(serving)


def _performance(board: Dashboard) -> Dashboard:
    performance = view(
        "model_performance",
        'role, model_version as "version", prefix as "after events", sessions, base_rate as "base rate", '
        'log_loss as "log loss", brier, ece, auc, log_loss_of_champion as "log loss of champion", '
        'log_loss_difference as "difference", log_loss_difference_error as "± standard error"',
        order="prefix, role, model_version",
    )
    explained = (
        "Of the newest 10,000 closed sessions. Each score was made before its outcome was known. A challenger is compared with the "
        "champion on the same sessions: it is better where the difference is below zero by more than two standard errors."
    )
    board = board.with_row(Row("Said, and then done"))
    return board.with_panel(
        rows("Scores against outcomes", performance, units={"base rate": PERCENT}, description=explained, height=10)
    )


def _over_time(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("Hour by hour"))
    for title, column, explained in (
        ("Log loss", "log_loss", "Lower is better; it also follows the share of buyers."),
        ("Brier", "brier", "Mean squared distance between what was said and what happened."),
        ("Calibration error", "ece", "Over ten bins of equal width; hours with few sessions show chance."),
        ("AUC", "auc", "The chance that a buyer was scored above another session."),
    ):
        told = series("model_performance_by_hour", f"{LINE}, {column}", at="hour", where=HOURS)
        board = board.with_panel(lines(title, told, description=explained))
    return board


def _drift(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("Drift: live against training"))
    moved = lines(
        "Population stability index, ten largest",
        metric("topk(10, avg by (feature) (process_feature_psi))", "{{feature}}"),
        description="Below 0.1 is stable, above 0.25 another population. Nothing is shown of fewer than 1,000 states.",
    )
    distance = lines(
        "Kolmogorov-Smirnov distance, ten largest",
        metric("topk(10, avg by (feature) (process_feature_ks))", "{{feature}}"),
        description="Of the values that are known, seen at the edges of the training's bins.",
    )
    score = lines(
        "Drift of the score",
        metric('avg(process_feature_psi{feature="likelihood"})', "PSI"),
        metric('avg(process_feature_ks{feature="likelihood"})', "KS"),
    )
    return board.with_panel(moved).with_panel(distance).with_panel(score)
