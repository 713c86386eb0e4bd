"""An evaluation as one HTML page that needs nothing else: what it says in words, prefix curves, reliability, gains, and every figure."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from models.evaluation import GroupRow, PrefixRow
from shopstream.evaluate import Evaluation
from shopstream.summary import sentences_of
from shopstream.svg import Line, chart

SHOWN: Final = (3, 5, 10, 20)
"""Lengths whose reliability and gains are drawn."""
SMALLEST_BIN: Final = 20
"""Visits below which a point of the reliability diagram says nothing."""
STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#111827}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem}
svg{width:100%;height:auto;background:#fff;border:1px solid #e5e7eb;border-radius:6px}
svg text{font:11px system-ui,sans-serif;fill:#374151}svg .title{font-weight:600;font-size:13px}.grid{stroke:#e5e7eb}
table{border-collapse:collapse;width:100%;margin:1rem 0;font-variant-numeric:tabular-nums}
li{margin:.25rem 0}td:first-child,th:first-child{text-align:left}
td,th{padding:.3rem .5rem;text-align:right;border-bottom:1px solid #e5e7eb}
small{color:#6b7280}
"""


def page_of(result: Evaluation) -> str:
    """The whole page."""
    curves = [_curves(result.curve), _lift(result.curve), _reliability(result.curve), _gains(result.curve)]
    tables = [_table("Every visitor", result.curve)]
    if result.curve_of_new_visitors:
        tables.append(_table("Visitors without a session in the training time", result.curve_of_new_visitors))
    if result.shares:
        told, names = [each.figures for each in result.shares], [f"{each.share:.0%}" for each in result.shares]
        tables.append(_table("After a share of each visit, up to a purchase", told, "share", names))
    if result.groups:
        tables.append(_groups(result.groups))
    tried = ", ".join(f"{escape(name)} {loss:.5f}" for name, loss in result.challengers.items())
    return "".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Shopstream: evaluation</title>',
            f"<style>{STYLE}</style><h1>How early the likelihood knows</h1>",
            f"<p>{escape(result.data)}, model {escape(result.model_version)}</p>",
            f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in sentences_of(result.curve))}</ul>",
            f'<div class="charts">{"".join(curves)}</div>{"".join(tables)}',
            f"<h2>How it was judged</h2><p>{escape(result.protocol[:1].upper() + result.protocol[1:])}.</p>",
            f"<p>Log loss of what was tried, on later visitors: {tried}.</p>" if tried else "",
            "<p>How much of a visit is over, nobody knows while it lasts: the table by share shows what is there to be known.</p>"
            if result.shares
            else "",
            "<p><small>Intervals are of 95 %, from resampling visits. ECE: ten bins of equal width; in parentheses with bins of "
            "equal count, and what a perfectly calibrated model would show there by chance.</small></p></html>\n",
        )
    )


def _curves(curve: Sequence[PrefixRow]) -> str:
    known = [row for row in curve if row.pr_auc is not None and row.pr_auc_interval is not None]
    lines = [
        Line("AUC", [(row.k, row.auc or 0.0) for row in known]),
        Line(
            "PR-AUC",
            [(row.k, row.pr_auc or 0.0) for row in known],
            band=[(row.k, *row.pr_auc_interval) for row in known if row.pr_auc_interval],
        ),
        Line("base rate: PR-AUC of chance", [(row.k, row.base_rate) for row in curve], is_dashed=True),
    ]
    return chart("After the first k events", "k", lines, x_max=_longest(curve), y_max=1.0)


def _lift(curve: Sequence[PrefixRow]) -> str:
    known = [row for row in curve if row.lift is not None and row.lift_interval is not None]
    band = [(row.k, *row.lift_interval) for row in known if row.lift_interval]
    lines = [
        Line("buyers in the top 5 %, against all visits", [(row.k, row.lift or 0.0) for row in known], band=band),
        Line("chance", [(row.k, 1.0) for row in curve], is_dashed=True),
    ]
    highest = 5 * max(1, math.ceil(max((high for _, _, high in band), default=1.0) / 5))
    return chart("Lift after the first k events", "k", lines, x_max=_longest(curve), y_max=float(highest))


def _longest(curve: Sequence[PrefixRow]) -> int:
    return max((row.k for row in curve), default=1)


def _reliability(curve: Sequence[PrefixRow]) -> str:
    lines = [
        Line(
            f"k = {row.k}",
            [(part.promised, part.happened) for part in row.reliability if part.count >= SMALLEST_BIN],
        )
        for row in curve
        if row.k in SHOWN
    ]
    lines.append(Line("promised = happened", [(0.0, 0.0), (1.0, 1.0)], is_dashed=True))
    return chart("Reliability: share that bought", "likelihood promised", lines, x_max=1.0, y_max=1.0)


def _gains(curve: Sequence[PrefixRow]) -> str:
    lines = [
        Line(f"k = {row.k}", [(0.0, 0.0), *((10.0 * tenth, share) for tenth, share in enumerate(row.gains, 1))])
        for row in curve
        if row.k in SHOWN and row.gains
    ]
    lines.append(Line("chance", [(0.0, 0.0), (100.0, 1.0)], is_dashed=True))
    return chart("Gains: share of all buyers found", "best-scored visits, %", lines, x_max=100.0, y_max=1.0)


def _groups(groups: Sequence[GroupRow]) -> str:
    """One table a grouping; its first column is the group."""
    tables = []
    for by in dict.fromkeys(group.by for group in groups):
        chosen = [group for group in groups if group.by == by]
        title = f"By {by}, after {chosen[0].figures.k} events"
        tables.append(_table(title, [group.figures for group in chosen], by, [group.group for group in chosen]))
    return "".join(tables)


def _table(title: str, curve: Sequence[PrefixRow], of: str = "k", labels: Sequence[str] = ()) -> str:
    """`labels` name the rows, each by its k when left out."""
    names = (
        of,
        "n",
        "base rate",
        "AUC",
        "PR-AUC (average precision)",
        "lift top 5 %",
        "log loss",
        "Brier (base)",
        "ECE (equal count; by chance)",
    )
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{cell}</td>"
            for cell in (
                escape(label),
                f"{row.n:,}",
                f"{row.base_rate:.2%}",
                _cell(row.auc, row.auc_interval, 3),
                f"{_cell(row.pr_auc, row.pr_auc_interval, 3)}<br><small>({_told(row.average_precision)})</small>",
                _cell(row.lift, row.lift_interval, 1),
                f"{row.log_loss:.4f}",
                f"{row.brier:.4f}<br><small>({row.brier_of_base_rate:.4f})</small>",
                f"{_cell(row.ece, row.ece_interval, 4)}<br><small>({row.ece_equal_count:.4f}; {row.ece_by_chance:.4f})</small>",
            )
        )
        + "</tr>"
        for label, row in zip(labels or [str(row.k) for row in curve], curve, strict=True)
    )
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{rows}</table>"


def _told(figure: float | None) -> str:
    return "unknown" if figure is None else f"{figure:.3f}"


def _cell(figure: float | None, interval: tuple[float, float] | None, digits: int) -> str:
    if figure is None or interval is None:
        return "unknown"
    low, high = interval
    return f"{figure:.{digits}f}<br><small>{low:.{digits}f} to {high:.{digits}f}</small>"
