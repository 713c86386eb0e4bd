"""Teapots: five bodies, each with the handle and the surface of its kind."""

from storefront.art.drawing import clipped, dripping, mixed, round_light, scene, speckles

ROUND = "M118 236 C118 176 152 152 200 152 C248 152 282 176 282 236 C282 288 250 318 200 318 C150 318 118 288 118 236Z"
LOW = "M104 252 C104 206 146 182 200 182 C254 182 296 206 296 252 C296 296 256 318 200 318 C144 318 104 296 104 252Z"
TALL = "M132 184 C150 166 250 166 268 184 C288 224 288 276 268 318 L132 318 C112 276 112 224 132 184Z"


def _lid(y: int, width: int, colour: str) -> str:
    return (
        f'<path d="M{200 - width} {y} C{200 - width} {y - 30} {200 + width} {y - 30} {200 + width} {y} '
        f'A{width} 10 0 0 1 {200 - width} {y}Z" fill="url(#l)"/>'
        f'<ellipse cx="200" cy="{y - 26}" rx="15" ry="12" fill="{colour}"/>'
        f'<ellipse cx="196" cy="{y - 30}" rx="6" ry="4" fill="#ffffff" opacity=".45"/>'
    )


def _spout(path: str, mouth: tuple[int, int], colour: str) -> str:
    x, y = mouth
    return (
        f'<path d="{path}" fill="url(#b)"/>'
        f'<ellipse cx="{x}" cy="{y}" rx="11" ry="5" fill="{mixed(colour, "#1d1712", 0.55)}" transform="rotate(-18 {x} {y})"/>'
    )


def _lights(colour: str, gloss: float = 0.3) -> str:
    return f"<defs>{round_light('b', colour, gloss=gloss)}{round_light('l', colour, gloss=gloss + 0.08)}</defs>"


def side_handle(seed: str) -> str:
    """A kyusu: the handle stands out to the side."""
    glaze, clay = "#6f8461", "#8a5a3c"
    return scene(
        "#e6e8da",
        _lights(glaze)
        + f'<path d="M262 226 L352 178 C364 174 372 190 362 198 L278 262Z" fill="{mixed(glaze, "#1d1712", 0.18)}"/>'
        + f'<path d="M268 230 L352 185" stroke="{mixed(glaze, "#ffffff", 0.35)}" stroke-width="3" stroke-linecap="round"/>'
        + _spout("M122 250 C96 240 92 214 74 202 L92 190 C112 198 118 214 140 216Z", (83, 196), glaze)
        + f'<path d="{LOW}" fill="url(#b)"/>'
        + clipped(
            "c",
            LOW,
            f'<rect x="90" y="290" width="220" height="40" fill="{clay}" opacity=".9"/>'
            f'<path d="{dripping(seed, 96, 304, 150, 272, 26)}" fill="url(#b)"/>'
            + speckles(seed, (104, 190, 296, 290), 90, "#2f3b2b", largest=1.8),
        )
        + _lid(196, 52, glaze),
        shadow=(204, 140),
    )


def bail(seed: str) -> str:
    """Stoneware under a high wooden handle."""
    glaze = "#d3b48c"
    return scene(
        "#f0e4d4",
        _lights(glaze)
        + '<path d="M132 186 C124 70 276 70 268 186" fill="none" stroke="#6b4a2f" stroke-width="13" stroke-linecap="round"/>'
        + '<path d="M138 160 C144 88 232 78 252 118" fill="none" stroke="#a37a52" stroke-width="3.5" stroke-linecap="round"/>'
        + _spout("M130 258 C100 252 92 218 70 206 L90 192 C112 200 122 222 142 226Z", (80, 199), glaze)
        + f'<path d="{ROUND}" fill="url(#b)"/>'
        + clipped(
            "c",
            ROUND,
            f'<path d="{dripping(seed, 110, 290, 130, 214, 34)}" fill="#f3e9d8" opacity=".88"/>'
            + speckles(seed, (118, 160, 282, 312), 120, "#7a5230", largest=2.0),
        )
        + _lid(172, 46, mixed(glaze, "#ffffff", 0.35)),
        shadow=(200, 130),
    )


def porcelain(seed: str) -> str:
    """White porcelain with a blue bough."""
    white, blue = "#eef0f2", "#4d6f96"
    bough = (
        f'<g fill="none" stroke="{blue}" stroke-width="3" stroke-linecap="round">'
        '<path d="M140 282 C170 272 190 246 232 232"/><path d="M184 258 C190 240 186 228 176 216"/></g>'
    )
    blossoms = "".join(
        "".join(
            f'<ellipse cx="{x}" cy="{y - 7}" rx="5" ry="7" fill="{blue}" fill-opacity=".7" transform="rotate({a} {x} {y})"/>'
            for a in range(0, 360, 72)
        )
        + f'<circle cx="{x}" cy="{y}" r="2.6" fill="#fff"/>'
        for x, y in ((236, 228), (174, 212), (206, 246), (150, 280))
    )
    return scene(
        "#dfe6ea",
        _lights(white, 0.8)
        + f'<path d="M274 206 C334 186 338 272 272 276" fill="none" stroke="{mixed(white, "#41505e", 0.22)}" stroke-width="13" stroke-linecap="round"/>'
        + '<path d="M282 206 C322 198 324 240 312 254" fill="none" stroke="#ffffff" stroke-width="3.5" stroke-linecap="round"/>'
        + _spout("M130 262 C100 254 96 214 76 196 L94 182 C116 194 122 218 142 222Z", (85, 189), white)
        + f'<path d="{ROUND}" fill="url(#b)"/>'
        + clipped("c", ROUND, bough + blossoms)
        + _lid(172, 46, white)
        + f'<path d="M154 172 A46 10 0 0 0 246 172" fill="none" stroke="{blue}" stroke-width="2.4"/>',
        shadow=(206, 132),
    )


def iron(seed: str) -> str:
    """Cast iron, with the hail pattern, over an ember."""
    black = "#4b4644"
    hail = "".join(
        f'<circle cx="{122 + column * 20 + (row % 2) * 10}" cy="{222 + row * 17}" r="4.6" fill="{mixed(black, "#ffffff", 0.17)}"/>'
        f'<circle cx="{123 + column * 20 + (row % 2) * 10}" cy="{224 + row * 17}" r="4.4" fill="{mixed(black, "#000000", 0.12)}"/>'
        for row in range(4)
        for column in range(9)
    )
    return scene(
        "#eed9cb",
        _lights(black, 0.2)
        + f'<path d="M128 206 C118 78 282 78 272 206" fill="none" stroke="{mixed(black, "#000000", 0.25)}" stroke-width="11" stroke-linecap="round"/>'
        + f'<path d="M133 176 C142 96 234 88 254 130" fill="none" stroke="{mixed(black, "#ffffff", 0.3)}" stroke-width="3" stroke-linecap="round"/>'
        + _spout("M122 262 C96 256 90 228 70 216 L90 202 C108 210 116 228 136 232Z", (80, 209), black)
        + f'<path d="{LOW}" fill="url(#b)"/>'
        + clipped("c", LOW, hail)
        + _lid(196, 54, mixed(black, "#c96a3b", 0.75)),
        shadow=(204, 136),
    )


def glass(seed: str) -> str:
    """Clear glass, half full of amber tea, with leaves that sink."""
    tea = "#c98a3c"
    return scene(
        "#e4ebe6",
        f"<defs>{round_light('b', '#dfe9ea', gloss=0.7)}{round_light('l', '#cfdcdd', gloss=0.6)}{round_light('t', tea, gloss=0.25)}</defs>"
        '<path d="M272 200 C330 190 334 282 276 282" fill="none" stroke="#b9cccd" stroke-width="11" stroke-linecap="round" opacity=".9"/>'
        '<path d="M280 201 C318 196 322 240 314 256" fill="none" stroke="#ffffff" stroke-width="3" stroke-linecap="round"/>'
        '<path d="M124 262 C98 252 98 214 76 198 L92 186 C116 196 120 220 134 224Z" fill="#cfdedd" opacity=".85"/>'
        f'<path d="{TALL}" fill="url(#b)" opacity=".72"/>'
        + clipped(
            "c",
            "M124 186 C150 170 250 170 276 186 C282 224 280 276 262 312 L138 312 C120 276 118 224 124 186Z",
            '<rect x="100" y="222" width="200" height="110" fill="url(#t)" opacity=".92"/>'
            f'<ellipse cx="200" cy="222" rx="84" ry="12" fill="{mixed(tea, "#ffffff", 0.3)}"/>'
            '<g fill="#6d5a2a" opacity=".8"><ellipse cx="168" cy="296" rx="16" ry="4" transform="rotate(14 168 296)"/>'
            '<ellipse cx="208" cy="302" rx="18" ry="4" transform="rotate(-10 208 302)"/>'
            '<ellipse cx="240" cy="292" rx="13" ry="4" transform="rotate(24 240 292)"/>'
            '<ellipse cx="190" cy="272" rx="11" ry="3" transform="rotate(-34 190 272)"/>'
            '<ellipse cx="226" cy="256" rx="9" ry="3" transform="rotate(40 226 256)"/></g>',
        )
        + '<path d="M142 194 C134 226 134 262 144 300" fill="none" stroke="#ffffff" stroke-width="6" opacity=".65" stroke-linecap="round"/>'
        + _lid(178, 56, "#a9bfc0"),
        shadow=(206, 124),
    )
