"""Tools of bamboo, wood and steel."""

from storefront.art.drawing import clipped, grain, leaf, mixed, round_light, scene


def whisk(seed: str) -> str:
    """A chasen: a bamboo handle split into fine tines."""
    bamboo = "#d9bd85"
    outer = "".join(
        f'<path d="M{200 + dx * 0.55:.0f} 214 C{200 + dx * 1.55:.0f} 246 {200 + dx * 1.7:.0f} 286 {200 + dx * 1.25:.0f} 318" '
        f'stroke="{mixed(bamboo, "#6b4a2f", 0.15 + abs(dx) / 240)}"/>'
        for dx in range(-44, 45, 4)
    )
    inner = "".join(
        f'<path d="M{200 + dx * 0.4:.0f} 220 C{200 + dx * 0.6:.0f} 250 {200 + dx * 0.6:.0f} 280 {200 + dx * 0.35:.0f} 312" '
        f'stroke="{mixed(bamboo, "#ffffff", 0.25)}"/>'
        for dx in range(-36, 37, 6)
    )
    return scene(
        "#e3e6d3",
        f"<defs>{round_light('b', bamboo, gloss=0.4)}</defs>"
        f'<g fill="none" stroke-width="2.4" stroke-linecap="round">{outer}{inner}</g>'
        '<path d="M172 92 H228 L226 206 C226 216 174 216 174 206Z" fill="url(#b)"/>'
        f'<ellipse cx="200" cy="92" rx="28" ry="8" fill="{mixed(bamboo, "#ffffff", 0.35)}"/>'
        f'<ellipse cx="200" cy="92" rx="17" ry="4.5" fill="{mixed(bamboo, "#6b4a2f", 0.6)}"/>'
        f'<path d="M173 146 Q200 154 227 146" fill="none" stroke="{mixed(bamboo, "#6b4a2f", 0.4)}" stroke-width="3"/>'
        '<path d="M174 206 Q200 218 226 206 L227 216 Q200 230 173 216Z" fill="#3d4a3c"/>',
        ground=320,
        shadow=(200, 92),
    )


def scoop(seed: str) -> str:
    """A cherry-wood scoop with a measure of leaves."""
    cherry = "#a8623f"
    bowl = "M92 262 C92 236 128 226 162 236 C178 242 186 252 196 258 L330 196 C342 192 350 206 340 213 L210 286 C196 300 176 306 150 304 C112 302 92 286 92 262Z"
    return scene(
        "#efe3d6",
        f"<defs>{round_light('b', cherry, gloss=0.25)}</defs>"
        f'<path d="{bowl}" fill="url(#b)"/>'
        + clipped("c", bowl, grain(seed, (90, 200, 345, 300), 12, mixed(cherry, "#3a1d0f", 0.5)))
        + f'<ellipse cx="146" cy="260" rx="46" ry="19" fill="{mixed(cherry, "#2b140a", 0.45)}" transform="rotate(6 146 260)"/>'
        + "".join(
            leaf(x, y, 22, angle, mixed("#5d6b3e", "#ffffff" if index % 3 else "#1d1712", 0.18))
            for index, (x, y, angle) in enumerate(
                (112 + (i * 37) % 58, 252 + (i * 13) % 17, (i * 67) % 90 - 50) for i in range(22)
            )
        ),
        ground=304,
        shadow=(190, 140),
    )


def tray(seed: str) -> str:
    """A walnut tray with one cup on it."""
    walnut = "#7a5238"
    return scene(
        "#e8ddd0",
        f"<defs>{round_light('b', walnut, gloss=0.15)}{round_light('u', '#e9e2d2', gloss=0.5)}</defs>"
        f'<path d="M48 262 V276 C48 322 116 346 200 346 C284 346 352 322 352 276 V262Z" fill="{mixed(walnut, "#1d0f06", 0.4)}"/>'
        '<ellipse cx="200" cy="262" rx="152" ry="68" fill="url(#b)"/>'
        f'<ellipse cx="200" cy="265" rx="136" ry="57" fill="{mixed(walnut, "#ffffff", 0.08)}"/>'
        + clipped(
            "c",
            "M64 265 A136 57 0 0 1 336 265 A136 57 0 0 1 64 265Z",
            grain(seed, (50, 205, 350, 325), 26, mixed(walnut, "#1d0f06", 0.5)),
        )
        + '<ellipse cx="216" cy="282" rx="54" ry="12" fill="#1d0f06" opacity=".3"/>'
        '<path d="M150 196 C152 246 170 276 178 280 A24 6 0 0 0 222 280 C230 276 248 246 250 196Z" fill="url(#u)"/>'
        '<ellipse cx="200" cy="196" rx="50" ry="12" fill="#f6f1e6"/><ellipse cx="200" cy="198" rx="43" ry="9" fill="#b47b3a"/>'
        '<path d="M166 197 A36 7 0 0 1 196 191" fill="none" stroke="#fff" stroke-opacity=".55" stroke-width="2.4" stroke-linecap="round"/>',
        ground=340,
        shadow=(200, 168),
    )


def caddy(seed: str) -> str:
    """A round cedar box with a close lid."""
    cedar = "#c08a5a"
    body = "M124 172 V298 A76 20 0 0 0 276 298 V172Z"
    return scene(
        "#e5e4da",
        f"<defs>{round_light('b', cedar, gloss=0.3)}{round_light('l', mixed(cedar, '#3a1d0f', 0.14), gloss=0.3)}</defs>"
        f'<path d="{body}" fill="url(#b)"/>'
        + clipped("c", body, grain(seed, (120, 180, 280, 316), 16, mixed(cedar, "#3a1d0f", 0.5)))
        + '<path d="M120 116 V176 A80 21 0 0 0 280 176 V116Z" fill="url(#l)"/>'
        + clipped(
            "d",
            "M120 116 V176 A80 21 0 0 0 280 176 V116Z",
            grain(seed + "l", (116, 120, 284, 192), 9, mixed(cedar, "#3a1d0f", 0.6)),
        )
        + f'<ellipse cx="200" cy="116" rx="80" ry="21" fill="{mixed(cedar, "#ffffff", 0.25)}"/>'
        + "".join(
            f'<ellipse cx="{196 + i}" cy="{116 + i // 2}" rx="{66 - i * 13}" ry="{16 - i * 3.2:.1f}" fill="none" '
            f'stroke="{mixed(cedar, "#3a1d0f", 0.4)}" stroke-width="1.4" opacity=".6"/>'
            for i in range(5)
        )
        + '<path d="M120 176 A80 21 0 0 0 280 176" fill="none" stroke="#3a1d0f" stroke-opacity=".5" stroke-width="2.5"/>',
        shadow=(210, 118),
    )


def strainer(seed: str) -> str:
    """A fine steel strainer resting on its cup."""
    steel = "#b9bfc2"
    mesh = "".join(
        f'<path d="M{118 + i * 9} 180 Q{150 + i * 6} 240 {160 + i * 4} 276"/>'
        f'<path d="M{282 - i * 9} 180 Q{250 - i * 6} 240 {240 - i * 4} 276"/>'
        f'<path d="M112 {190 + i * 5} Q200 {216 + i * 5} 288 {190 + i * 5}"/>'
        for i in range(16)
    )
    cup = "M124 214 C128 270 148 306 162 314 A40 8 0 0 0 238 314 C252 306 272 270 276 214Z"
    basket = "M122 186 C128 250 166 268 200 268 C234 268 272 250 278 186Z"
    return scene(
        "#dfe5e4",
        f"<defs>{round_light('b', steel, gloss=0.6)}{round_light('u', '#6f8461', gloss=0.3)}</defs>"
        f'<path d="{cup}" fill="url(#u)"/>'
        f'<ellipse cx="200" cy="214" rx="76" ry="17" fill="{mixed("#6f8461", "#1d1712", 0.35)}"/>'
        + clipped(
            "c",
            basket + " M100 100 H300 V214 H100Z",
            f'<path d="{basket}" fill="{mixed(steel, "#1d1712", 0.2)}" opacity=".35"/>',
        )
        + f'<path d="M124 214 A76 17 0 0 0 276 214 L274 234 C240 252 160 252 126 234Z" fill="url(#u)"/>'
        f'<path d="M262 172 L352 132 C364 128 370 142 360 148 L276 192Z" fill="url(#b)"/>'
        '<ellipse cx="200" cy="186" rx="86" ry="22" fill="url(#b)"/>'
        f'<ellipse cx="200" cy="187" rx="76" ry="17" fill="{mixed(steel, "#1d1712", 0.35)}"/>'
        + clipped(
            "d",
            "M124 187 A76 17 0 0 1 276 187 A76 17 0 0 1 124 187Z",
            f'<g fill="none" stroke="#eef2f2" stroke-opacity=".5" stroke-width="1">{mesh}</g>'
            '<ellipse cx="206" cy="196" rx="42" ry="8" fill="#5d6b3e"/><ellipse cx="190" cy="193" rx="22" ry="5" fill="#77854f"/>',
        )
        + '<path d="M116 184 A86 22 0 0 1 190 164" fill="none" stroke="#fff" stroke-width="3" stroke-opacity=".8" stroke-linecap="round"/>',
        ground=320,
        shadow=(206, 104),
    )
