"""Small line charts as HTML: a title, axes from 0 as SVG, and a legend that wraps where there is little room."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 400
HEIGHT: Final = 260
"""About as wide as a telephone, so that the numbers on the axes stay readable there."""
LEFT: Final = 40
RIGHT: Final = 12
TOP: Final = 10
BOTTOM: Final = 40
COLOURS: Final = 5
"""Told apart in the page's style, `.line-0` and so on, for a light and a dark screen; a line to compare with is `.dashed`."""
TICKS: Final = 5

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve. A dashed one is there to compare with."""

    name: str
    points: Sequence[Point]
    is_dashed: bool = False
    band: Sequence[tuple[float, float, float]] = ()
    """x, low and high of an interval around the curve."""


def chart(title: str, x_name: str, lines: Sequence[Line], *, x_max: float, y_max: float, y_digits: int = 1) -> str:
    """The chart as one `<figure>`; both axes start at 0."""

    def x_of(value: float) -> float:
        return round(LEFT + value / x_max * (WIDTH - LEFT - RIGHT), 1)

    def y_of(value: float) -> float:
        return round(HEIGHT - BOTTOM - min(value, y_max) / y_max * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        f"<figure><figcaption>{escape(title)}</figcaption>",
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
    ]
    for step in range(TICKS + 1):
        x, y = x_max * step / TICKS, y_max * step / TICKS
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_of(y)}" y2="{y_of(y)}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y_of(y) + 4}" text-anchor="end">{y:.{y_digits}f}</text>')
        parts.append(f'<text x="{x_of(x)}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_name)}</text>')
    legend = []
    for number, line in enumerate(lines):
        kind = "dashed" if line.is_dashed else f"line-{number % COLOURS}"
        parts.append(f'<g class="{kind}">')
        if line.band:
            outline = [(x, high) for x, _, high in line.band] + [(x, low) for x, low, _ in reversed(line.band)]
            shape = " ".join(f"{x_of(x)},{y_of(y)}" for x, y in outline)
            parts.append(f'<polygon points="{shape}" fill="currentColor" opacity="0.15"/>')
        places = " ".join(f"{x_of(x)},{y_of(y)}" for x, y in line.points)
        parts.append(f'<polyline points="{places}"/>')
        if not line.is_dashed:
            parts += [f'<circle cx="{x_of(x)}" cy="{y_of(y)}" r="3" fill="currentColor"/>' for x, y in line.points]
        parts.append("</g>")
        legend.append(f'<span class="{kind}">{escape(line.name)}</span> ')
    return "".join([*parts, f"</svg><p>{''.join(legend)}</p></figure>"])
