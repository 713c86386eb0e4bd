"""Pieces of a drawing: the scene, light from the left, shadows, speckles, wood and leaves. All on a sheet of 400 by 400."""

from random import Random
from typing import Final

TABLE_Y: Final = 268
GROUND_Y: Final = 318
"""Where things stand."""


def scene(wall: str, drawing: str, *, ground: int = GROUND_Y, shadow: tuple[int, int] = (200, 110)) -> str:
    """A whole SVG: a wall in one tint, the table in a darker one, a soft shadow, and the drawing before it."""
    x, width = shadow
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="22 38 356 356" width="400" height="400">'
        f"<defs>{fade('w', mixed(wall, '#ffffff', 0.35), wall, vertical=True)}"
        '<radialGradient id="s"><stop offset="0" stop-color="#2b2118" stop-opacity=".34"/>'
        '<stop offset="1" stop-color="#2b2118" stop-opacity="0"/></radialGradient></defs>'
        f'<rect width="400" height="400" fill="url(#w)"/>'
        f'<rect y="{TABLE_Y}" width="400" height="{400 - TABLE_Y}" fill="{mixed(wall, "#4a3a2a", 0.13)}"/>'
        f'<rect y="{TABLE_Y}" width="400" height="2" fill="{mixed(wall, "#ffffff", 0.3)}"/>'
        f'<ellipse cx="{x + 14}" cy="{ground}" rx="{width}" ry="{max(10, width // 7)}" fill="url(#s)"/>'
        f"{drawing}</svg>"
    )


def mixed(colour: str, other: str, share: float) -> str:
    """The colour with a share of the other in it."""
    parts = zip(_rgb(colour), _rgb(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def fade(name: str, start: str, end: str, *, vertical: bool = False) -> str:
    """A plain gradient from one colour to another."""
    direction = 'x2="0" y2="1"' if vertical else 'x2="1" y2="0"'
    return (
        f'<linearGradient id="{name}" {direction}><stop offset="0" stop-color="{start}"/>'
        f'<stop offset="1" stop-color="{end}"/></linearGradient>'
    )


def round_light(name: str, colour: str, *, gloss: float = 0.3) -> str:
    """A gradient that makes a shape look turned: light from the left, shade to the right."""
    return (
        f'<linearGradient id="{name}"><stop offset="0" stop-color="{mixed(colour, "#1d1712", 0.22)}"/>'
        f'<stop offset=".16" stop-color="{colour}"/>'
        f'<stop offset=".34" stop-color="{mixed(colour, "#ffffff", gloss)}"/>'
        f'<stop offset=".56" stop-color="{colour}"/>'
        f'<stop offset="1" stop-color="{mixed(colour, "#1d1712", 0.42)}"/></linearGradient>'
    )


def clipped(name: str, path: str, drawing: str) -> str:
    """The drawing, only where the path is."""
    return f'<clipPath id="{name}"><path d="{path}"/></clipPath><g clip-path="url(#{name})">{drawing}</g>'


def speckles(seed: str, box: tuple[int, int, int, int], count: int, colour: str, *, largest: float = 2.4) -> str:
    """Iron spots in a glaze, within left, top, right, bottom."""
    random = Random(seed)
    left, top, right, bottom = box
    dots = (
        f'<circle cx="{random.uniform(left, right):.0f}" cy="{random.uniform(top, bottom):.0f}" '
        f'r="{random.uniform(0.6, largest):.1f}" opacity="{random.uniform(0.35, 0.9):.2f}"/>'
        for _ in range(count)
    )
    return f'<g fill="{colour}">{"".join(dots)}</g>'


def dripping(seed: str, left: int, right: int, top: int, level: int, depth: int) -> str:
    """The path of a glaze that ran: filled from the top down to a wavy edge about the level."""
    random = Random(seed)
    steps = max(4, (right - left) // 26)
    width = (right - left) / steps
    path = [f"M{left} {top}", f"L{left} {level}"]
    x = float(left)
    for _ in range(steps):
        low = level + random.uniform(0.15, 1.0) * depth
        path.append(f"C{x + width * 0.25:.0f} {low:.0f} {x + width * 0.7:.0f} {low:.0f} {x + width:.0f} {level}")
        x += width
    return " ".join([*path, f"L{right} {top}", "Z"])


def grain(seed: str, box: tuple[int, int, int, int], count: int, colour: str) -> str:
    """Lines of wood, along the width."""
    random = Random(seed)
    left, top, right, bottom = box
    middle = (left + right) / 2
    lines = []
    for _ in range(count):
        y, bend = random.uniform(top, bottom), random.uniform(-9, 9)
        lines.append(f'<path d="M{left} {y:.0f} Q{middle:.0f} {y + bend:.0f} {right} {y + bend / 3:.0f}"/>')
    return f'<g fill="none" stroke="{colour}" stroke-width="1.4" opacity=".45">{"".join(lines)}</g>'


def leaf(x: float, y: float, length: float, angle: float, colour: str) -> str:
    """One leaf that grows from a point, with its middle vein."""
    half = length * 0.26
    return (
        f'<g transform="translate({x:.1f} {y:.1f}) rotate({angle:.0f})">'
        f'<path d="M0 0 C{length * 0.3:.1f} {-half:.1f} {length * 0.75:.1f} {-half * 0.9:.1f} {length:.1f} 0 '
        f'C{length * 0.75:.1f} {half * 0.9:.1f} {length * 0.3:.1f} {half:.1f} 0 0Z" fill="{colour}"/>'
        f'<path d="M2 0H{length * 0.86:.1f}" stroke="#ffffff" stroke-opacity=".35" stroke-width="1.2"/></g>'
    )


def steam(x: int, y: int) -> str:
    """Three threads of steam."""
    threads = "".join(
        f'<path d="M{x + dx} {y} c-12 -16 12 -26 0 -44 c-10 -14 8 -22 2 -{rise}"/>'
        for dx, rise in ((-20, 26), (2, 38), (23, 24))
    )
    return f'<g fill="none" stroke="#ffffff" stroke-opacity=".6" stroke-width="5" stroke-linecap="round">{threads}</g>'
