"""The few kinds of panel that our dashboards are made of."""

from typing import Any, Final

from grafana_foundation_sdk.builders import barchart, bargauge, common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)

from dashboards.sources import POSTGRES, PROMETHEUS, View

Panel = Any  # the SDK's builders share no typed base class

WIDTH: Final = 24
HEIGHT: Final = 8
PERCENT: Final = "percentunit"
MONEY: Final = "locale"
"""Amounts are in the shop's currency, which no view names: a sign would be a guess."""


def number(
    title: str,
    source: Any,
    *,
    unit: str = "short",
    decimals: int | None = None,
    alarm: float | None = None,
    span: int = 3,
) -> Panel:
    """One number, red from `alarm` on."""
    panel = (
        stat.Panel()
        .title(title)
        .unit(unit)
        .height(4)
        .span(span)
        .with_target(source.ref_id("A"))
        .datasource(_asks(source))
    )
    panel = panel.graph_mode(kinds.BigValueGraphMode.NONE).no_value("–").reduce_options(_newest())
    if decimals is not None:
        panel = panel.decimals(decimals)
    steps = (
        [Threshold(color="text")] if alarm is None else [Threshold(color="green"), Threshold(value=alarm, color="red")]
    )
    return panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))


def lines(
    title: str,
    *sources: Any,
    unit: str = "short",
    is_stacked: bool = False,
    span: int = WIDTH // 2,
    description: str = "",
) -> Panel:
    """Numbers over time; stacked ones as areas."""
    panel = timeseries.Panel().title(title).unit(unit).height(HEIGHT).span(span).min(0).datasource(_asks(sources[0]))
    panel = panel.description(description) if description else panel
    panel = panel.fill_opacity(60 if is_stacked else 10).show_points(kinds.VisibilityMode.AUTO).span_nulls(False)
    if is_stacked:
        panel = panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    legend = common.VizLegendOptions().show_legend(True).placement(kinds.LegendPlacement.BOTTOM)
    panel = panel.legend(legend.display_mode(kinds.LegendDisplayMode.LIST).calcs([]))
    tooltip = common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING)
    panel = panel.tooltip(tooltip)
    for letter, source in zip("ABCDEFGH", sources, strict=False):
        panel = panel.with_target(source.ref_id(letter))
    return panel


def columns(
    title: str, source: Any, *, x: str, unit: str = "short", span: int = WIDTH // 2, description: str = ""
) -> Panel:
    """One group of bars a row, named by column `x`."""
    panel = barchart.Panel().title(title).unit(unit).height(HEIGHT).span(span).min(0).datasource(_asks(source))
    return panel.description(description).x_field(x).fill_opacity(80).with_target(source)


def steps(title: str, source: Any, *, span: int = WIDTH // 2, description: str = "") -> Panel:
    """One bar a column of a single row, widest first: a funnel."""
    panel = bargauge.Panel().title(title).unit("short").height(HEIGHT).span(span).min(0).datasource(_asks(source))
    panel = panel.orientation(kinds.VizOrientation.HORIZONTAL).display_mode(kinds.BarGaugeDisplayMode.GRADIENT)
    colour = dashboard.FieldColor().mode(FieldColorModeId.CONTINUOUS_BL_PU)
    return panel.description(description).color_scheme(colour).reduce_options(_newest()).with_target(source)


def rows(
    title: str,
    source: Any,
    *,
    units: dict[str, str] | None = None,
    span: int = WIDTH,
    height: int = HEIGHT,
    description: str = "",
) -> Panel:
    """A table; `units` gives columns their unit."""
    panel = table.Panel().title(title).height(height).span(span).datasource(_asks(source)).description(description)
    for column, unit in (units or {}).items():
        panel = panel.override_by_name(column, [DynamicConfigValue(id_val="unit", value=unit)])
    return panel.with_target(source)


def _newest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")


def _asks(source: Any) -> DataSourceRef:
    return POSTGRES if isinstance(source, View) else PROMETHEUS
