"""Cups and bowls, seen a little from above, so that one can look in."""

from storefront.art.drawing import clipped, dripping, mixed, round_light, scene, speckles, steam


def _vessel(rim_y: int, rim: int, base_y: int, base: int, *, bow: float = 0.75) -> str:
    """The outline of a turned vessel below its rim."""
    height = base_y - rim_y
    return (
        f"M{200 - rim} {rim_y} C{200 - rim} {rim_y + height * bow:.0f} {200 - base} {base_y} {200 - base} {base_y} "
        f"A{base} {max(5, base // 5)} 0 0 0 {200 + base} {base_y} "
        f"C{200 + base} {base_y} {200 + rim} {rim_y + height * bow:.0f} {200 + rim} {rim_y}Z"
    )


def _opening(x: int, y: int, rim: int, edge: str, inside: str, tea: str | None = None) -> str:
    depth = max(9, rim // 5)
    drawing = (
        f'<ellipse cx="{x}" cy="{y}" rx="{rim}" ry="{depth}" fill="{edge}"/>'
        f'<ellipse cx="{x}" cy="{y + 1}" rx="{rim - 6}" ry="{depth - 3}" fill="{inside}"/>'
    )
    if tea:
        drawing += (
            f'<ellipse cx="{x}" cy="{y + 4}" rx="{rim - 13}" ry="{depth - 6}" fill="{tea}"/>'
            f'<path d="M{x - rim + 24} {y + 3} A{rim - 16} {depth - 7} 0 0 1 {x - 6} {y - depth + 11}" fill="none" '
            'stroke="#ffffff" stroke-opacity=".5" stroke-width="2.4" stroke-linecap="round"/>'
        )
    return drawing


def tenmoku(seed: str) -> str:
    """A dark bowl whose glaze breaks to amber."""
    night, amber = "#2f2c33", "#a1632f"
    bowl = _vessel(196, 104, 306, 40)
    return scene(
        "#e2dce0",
        f"<defs>{round_light('b', night, gloss=0.28)}{round_light('f', '#8c5b3a')}</defs>"
        '<path d="M160 300 V314 A40 8 0 0 0 240 314 V300Z" fill="url(#f)"/>'
        f'<path d="{bowl}" fill="url(#f)"/>'
        + clipped(
            "c",
            bowl,
            f'<path d="{dripping(seed, 90, 310, 170, 272, 36)}" fill="url(#b)"/>'
            f'<path d="{dripping(seed + "2", 90, 310, 170, 204, 26)}" fill="{amber}" opacity=".55"/>'
            + speckles(seed, (100, 205, 300, 290), 70, "#b98b5e", largest=1.6),
        )
        + _opening(200, 196, 104, amber, mixed(night, "#000000", 0.2), "#7b4a22"),
        shadow=(204, 120),
    )


def matcha(seed: str) -> str:
    """A wide bowl of ash glaze with whisked matcha in it."""
    ash = "#cfc9ba"
    bowl = _vessel(206, 112, 308, 62, bow=0.95)
    return scene(
        "#dde5d0",
        f"<defs>{round_light('b', ash, gloss=0.4)}</defs>{steam(200, 176)}"
        f'<path d="M146 304 V316 A62 10 0 0 0 254 316 V304Z" fill="{mixed(ash, "#5a4632", 0.45)}"/>'
        f'<path d="{bowl}" fill="url(#b)"/>'
        + clipped(
            "c",
            bowl,
            f'<path d="{dripping(seed, 80, 320, 180, 246, 30)}" fill="#8fa07c" opacity=".5"/>'
            + speckles(seed, (90, 214, 310, 306), 110, "#5f5340", largest=1.9),
        )
        + _opening(200, 206, 112, mixed(ash, "#ffffff", 0.3), mixed(ash, "#5a4632", 0.25), "#8fae4b")
        + "".join(
            f'<circle cx="{x}" cy="{y}" r="{r}" fill="#b4cc78"/>'
            for x, y, r in ((168, 214, 4), (180, 218, 3), (214, 208, 3), (226, 215, 4), (244, 210, 3), (200, 219, 3))
        ),
        shadow=(204, 136),
    )


def mug(seed: str) -> str:
    """A straight mug full of specks."""
    cream = "#ece3d3"
    body = "M132 168 V296 C132 312 150 320 200 320 C250 320 268 312 268 296 V168Z"
    return scene(
        "#e9d8c9",
        f"<defs>{round_light('b', cream, gloss=0.6)}</defs>{steam(200, 142)}"
        f'<path d="M264 198 C328 186 330 286 262 278" fill="none" stroke="{mixed(cream, "#5a4632", 0.2)}" stroke-width="17" stroke-linecap="round"/>'
        '<path d="M272 197 C314 194 316 238 304 256" fill="none" stroke="#ffffff" stroke-opacity=".7" stroke-width="4" stroke-linecap="round"/>'
        f'<path d="{body}" fill="url(#b)"/>'
        + clipped(
            "c",
            body,
            '<rect x="120" y="282" width="160" height="44" fill="#b98160"/>'
            '<path d="M132 282 A68 12 0 0 0 268 282" fill="url(#b)"/>'
            + speckles(seed, (132, 180, 268, 292), 130, "#5b4331", largest=2.3),
        )
        + _opening(200, 168, 68, mixed(cream, "#ffffff", 0.4), mixed(cream, "#5a4632", 0.25), "#8a4f25"),
        shadow=(214, 112),
    )


def gaiwan(seed: str) -> str:
    """Saucer, bowl and lid, the glaze a pale green."""
    green = "#b5cdbb"
    bowl = _vessel(196, 82, 300, 34)
    return scene(
        "#eee6da",
        f"<defs>{round_light('b', green, gloss=0.5)}{round_light('l', mixed(green, '#ffffff', 0.12), gloss=0.55)}</defs>"
        f'<ellipse cx="200" cy="316" rx="104" ry="17" fill="{mixed(green, "#2b3b30", 0.35)}"/>'
        f'<ellipse cx="200" cy="310" rx="104" ry="17" fill="url(#l)"/>'
        f'<ellipse cx="200" cy="309" rx="70" ry="10" fill="{mixed(green, "#2b3b30", 0.12)}"/>'
        f'<path d="{bowl}" fill="url(#b)"/>'
        + clipped(
            "c",
            bowl,
            "".join(
                f'<path d="M{x} 206 C{x + (200 - x) * 0.2:.0f} 250 {200 + (x - 200) * 0.5:.0f} 290 {200 + (x - 200) * 0.4:.0f} 306" '
                f'fill="none" stroke="{mixed(green, "#2b3b30", 0.28)}" stroke-width="1.6" opacity=".6"/>'
                for x in range(130, 275, 20)
            ),
        )
        + f'<ellipse cx="200" cy="196" rx="82" ry="15" fill="{mixed(green, "#ffffff", 0.45)}"/>'
        f'<path d="M126 192 C132 146 176 140 200 140 C224 140 268 146 274 192 A74 12 0 0 1 126 192Z" fill="url(#l)"/>'
        f'<path d="M178 142 C178 118 222 118 222 142 A22 5 0 0 1 178 142Z" fill="url(#b)"/>'
        f'<ellipse cx="200" cy="126" rx="19" ry="5" fill="{mixed(green, "#ffffff", 0.5)}"/>',
        ground=322,
        shadow=(200, 128),
    )


def pair(seed: str) -> str:
    """Two small cups in the colours of dawn."""

    def cup(x: int, y: int, name: str, colour: str, low: str) -> str:
        body = (
            f"M{x - 56} {y} C{x - 56} {y + 62} {x - 34} {y + 92} {x - 26} {y + 96} A26 6 0 0 0 {x + 26} {y + 96} "
            f"C{x + 34} {y + 92} {x + 56} {y + 62} {x + 56} {y}Z"
        )
        return (
            f"<defs>{round_light(name, colour, gloss=0.45)}</defs>"
            f'<path d="{body}" fill="url(#{name})"/>'
            + clipped(
                name + "c",
                body,
                f'<rect x="{x - 60}" y="{y + 58}" width="120" height="60" fill="{low}" opacity=".75"/>'
                f'<path d="{dripping(seed + name, x - 60, x + 60, y - 10, y + 56, 14)}" fill="url(#{name})"/>'
                + speckles(seed + name, (x - 52, y + 8, x + 52, y + 92), 34, "#7d4f3c", largest=1.6),
            )
            + _opening(x, y, 56, mixed(colour, "#ffffff", 0.45), mixed(colour, "#5a3a2a", 0.2), "#c08a45")
        )

    return scene(
        "#f3e0d8",
        cup(150, 196, "g", "#e7b8a0", "#b86f55") + cup(258, 222, "h", "#e9cfae", "#c58f5b"),
        ground=312,
        shadow=(196, 140),
    )


def tumbler(seed: str) -> str:
    """A ribbed cup without a handle."""
    lichen = "#a9b79a"
    body = "M140 160 C142 220 150 280 158 308 C166 322 234 322 242 308 C250 280 258 220 260 160Z"
    ribs = "".join(
        f'<path d="M{x} 168 L{200 + (x - 200) * 0.72:.0f} 314" stroke="{mixed(lichen, "#26302a", 0.35)}" stroke-width="2" opacity=".5"/>'
        f'<path d="M{x + 4} 168 L{203 + (x - 200) * 0.72:.0f} 314" stroke="#ffffff" stroke-width="2" opacity=".28"/>'
        for x in range(148, 258, 13)
    )
    return scene(
        "#e8e6d6",
        f"<defs>{round_light('b', lichen, gloss=0.35)}</defs>"
        f'<path d="{body}" fill="url(#b)"/>'
        + clipped(
            "c",
            body,
            ribs
            + f'<path d="{dripping(seed, 130, 270, 130, 190, 22)}" fill="#e9ead9" opacity=".8"/>'
            + speckles(seed, (142, 165, 258, 315), 60, "#4f5a44", largest=1.7),
        )
        + _opening(200, 160, 60, "#eeefe2", mixed(lichen, "#26302a", 0.3), "#9b6a32"),
        shadow=(208, 92),
    )
