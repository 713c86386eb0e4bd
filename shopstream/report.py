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
:root{color-scheme:light dark;--ink:#111827;--faint:#4b5563;--paper:#fff;--rule:#e5e7eb;
--line-0:#1d4ed8;--line-1:#b45309;--line-2:#047857;--line-3:#7c3aed;--line-4:#be123c;--dashed:#6b7280}
@media(prefers-color-scheme:dark){:root{--ink:#e5e7eb;--faint:#9ca3af;--paper:#111827;--rule:#374151;
--line-0:#93c5fd;--line-1:#fbbf24;--line-2:#6ee7b7;--line-3:#c4b5fd;--line-4:#fda4af;--dashed:#9ca3af}}
body{font:15px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:62rem;padding:0 1rem;color:var(--ink);background:var(--paper)}
h1,h2{line-height:1.25;text-wrap:balance}p,li{overflow-wrap:anywhere}ul{padding-left:1.25rem}li{margin:.35rem 0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:1rem}
figure{margin:0;padding:.75rem;border:1px solid var(--rule);border-radius:6px}figcaption{font-weight:600}
figure p{margin:0;font-size:13px}figure span{display:inline-block;margin-right:.75rem}
svg{display:block;width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--faint)}.grid{stroke:var(--rule)}
polyline{fill:none;stroke:currentColor;stroke-width:2}.dashed polyline{stroke-dasharray:5 4}
.line-0{color:var(--line-0)}.line-1{color:var(--line-1)}.line-2{color:var(--line-2)}.line-3{color:var(--line-3)}.line-4{color:var(--line-4)}
.dashed{color:var(--dashed)}span::before{content:"\\25CF  "}span.dashed::before{content:"\\2504  "}
.table{overflow-x:auto;margin:1rem 0}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;line-height:1.3}
td,th{padding:.35rem .5rem;text-align:right;vertical-align:top;white-space:nowrap;border-bottom:1px solid var(--rule)}th{white-space:normal}
td:first-child,th:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}
small{color:var(--faint)}
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
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>Shopstream: evaluation</title>',
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
    # Of its own width, so that on a telephone the table moves and not the page; by the keyboard too.
    return (
        f'<h2>{escape(title)}</h2><div class="table" tabindex="0" role="region" aria-label="{escape(title)}">'
        f"<table><tr>{head}</tr>{rows}</table></div>"
    )


def _told(figure: float | None) -> str:
    return "unknown" if figure is None else f"{figure:.3f}"


def _cell(figure: float | None, interval: tuple[float, float] | None, digits: int) -> str:
    if figure is None or interval is None:
        return "unknown"
    low, high = interval
    return f"{figure:.{digits}f}<br><small>{low:.{digits}f} to {high:.{digits}f}</small>"
