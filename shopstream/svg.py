"""Small line charts as SVG text: axes from 0, a legend, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 460
HEIGHT: Final = 320
LEFT: Final = 48
RIGHT: Final = 12
TOP: Final = 28
BOTTOM: Final = 62
LETTER: Final = 6.5
"""Mean width of a letter of the legend, so that names stand side by side."""
COLOURS: Final = ("#1d4ed8", "#b45309", "#047857", "#7c3aed", "#be123c")
GREY: Final = "#9ca3af"
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
    """The chart as one `<svg>`; both axes start at 0."""

    def x_of(value: float) -> float:
        return round(LEFT + value / x_max * (WIDTH - LEFT - RIGHT), 1)

    def y_of(value: float) -> float:
        return round(HEIGHT - BOTTOM - min(value, y_max) / y_max * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<text x="{LEFT}" y="16" class="title">{escape(title)}</text>',
    ]
    for step in range(TICKS + 1):
        x, y = x_max * step / TICKS, y_max * step / TICKS
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_of(y)}" y2="{y_of(y)}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y_of(y) + 4}" text-anchor="end">{y:.{y_digits}f}</text>')
        parts.append(f'<text x="{x_of(x)}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 28}" text-anchor="middle">{escape(x_name)}</text>')
    for number, line in enumerate(lines):
        colour = GREY if line.is_dashed else COLOURS[number % len(COLOURS)]
        if line.band:
            outline = [(x, high) for x, _, high in line.band] + [(x, low) for x, low, _ in reversed(line.band)]
            shape = " ".join(f"{x_of(x)},{y_of(y)}" for x, y in outline)
            parts.append(f'<polygon points="{shape}" fill="{colour}" opacity="0.15"/>')
        places = " ".join(f"{x_of(x)},{y_of(y)}" for x, y in line.points)
        dashes = ' stroke-dasharray="5 4"' if line.is_dashed else ""
        parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        if not line.is_dashed:
            parts += [f'<circle cx="{x_of(x)}" cy="{y_of(y)}" r="3" fill="{colour}"/>' for x, y in line.points]
        before = sum(len(each.name) + 3 for each in lines[:number])
        x = round(LEFT + before * LETTER)
        parts.append(f'<text x="{x}" y="{HEIGHT - 8}" style="fill:{colour}">{escape(line.name)}</text>')
    return "".join([*parts, "</svg>"])
