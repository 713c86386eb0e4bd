"""Tea: a paper-labelled tin, its plant on the label, and a little of the tea before it."""

from random import Random

from storefront.art.drawing import clipped, leaf, mixed, round_light, scene


def tin(seed: str, *, wall: str, body: str, paper: str, plant: str, tea: str, motif: str) -> str:
    """A tin of tea; `motif` is the plant drawn on its label."""
    lid = mixed(body, "#1d1712", 0.28)
    drawing = (
        f"<defs>{round_light('b', body)}{round_light('l', lid)}{round_light('p', paper, gloss=0.5)}</defs>"
        '<path d="M128 136 V300 A72 19 0 0 0 272 300 V136Z" fill="url(#b)"/>'
        '<path d="M128 178 A72 19 0 0 0 272 178 V268 A72 19 0 0 1 128 268Z" fill="url(#p)"/>'
        f'<path d="M128 184 A72 19 0 0 0 272 184" fill="none" stroke="{plant}" stroke-opacity=".55" stroke-width="1.6"/>'
        f'<path d="M128 262 A72 19 0 0 0 272 262" fill="none" stroke="{plant}" stroke-opacity=".55" stroke-width="1.6"/>'
        f"{MOTIFS[motif](plant)}"
        '<path d="M122 104 V136 A78 20 0 0 0 278 136 V104Z" fill="url(#l)"/>'
        f'<ellipse cx="200" cy="104" rx="78" ry="20" fill="{mixed(lid, "#ffffff", 0.2)}"/>'
        f'<ellipse cx="200" cy="103" rx="62" ry="14" fill="{mixed(lid, "#ffffff", 0.08)}"/>'
        f'<ellipse cx="200" cy="98" rx="15" ry="7" fill="{mixed(lid, "#1d1712", 0.2)}"/>'
        f'<ellipse cx="198" cy="93" rx="15" ry="7" fill="{mixed(lid, "#ffffff", 0.3)}"/>'
        f"{_heap(seed, tea, is_powder=motif == 'whisked')}"
    )
    return scene(wall, drawing, shadow=(210, 120))


def _heap(seed: str, colour: str, *, is_powder: bool) -> str:
    random = Random(seed)
    if is_powder:
        return (
            f'<ellipse cx="108" cy="351" rx="46" ry="9" fill="{mixed(colour, "#1d1712", 0.3)}"/>'
            f'<path d="M64 350 C82 346 92 322 110 322 C126 322 134 346 152 350 A46 9 0 0 1 64 350Z" fill="{colour}"/>'
            f'<path d="M82 344 C92 338 98 327 110 325 C104 332 104 340 96 346Z" fill="{mixed(colour, "#ffffff", 0.3)}"/>'
        )
    pieces = []
    for _ in range(46):
        spread = random.gauss(0, 1)
        x, y = 104 + spread * 22, 354 - max(0.0, 20 - abs(spread) * 15) * random.random()
        shade = mixed(colour, random.choice(("#1d1712", "#ffffff")), random.uniform(0, 0.3))
        pieces.append(leaf(x, y, random.uniform(10, 19), random.uniform(-50, 50), shade))
    return "".join(pieces)


def _sprig(colour: str) -> str:
    stem = f'<path d="M200 266 C198 246 202 226 200 206" stroke="{colour}" stroke-width="2.4" fill="none"/>'
    leaves = (leaf(200, y, 34, a, colour) for y, a in ((254, -28), (254, 208), (238, -36), (238, 216), (212, -90)))
    return stem + "".join(leaves)


def _rolled(colour: str) -> str:
    return "".join(
        f'<path d="M{x} {y} c14 -16 34 -4 24 10 c-8 10 -22 2 -16 -6" fill="none" stroke="{colour}" '
        'stroke-width="5" stroke-linecap="round"/>'
        for x, y in ((162, 232), (190, 222), (216, 236), (176, 252), (204, 254))
    )


def _smoke(colour: str) -> str:
    needles = "".join(
        f'<path d="M200 264 L{200 + dx} {218 + abs(dx) // 3}" stroke="{colour}" stroke-width="2.6" stroke-linecap="round"/>'
        for dx in range(-42, 43, 12)
    )
    smoke = '<path d="M170 214 q10 -10 0 -18 M200 210 q10 -10 0 -18 M230 214 q10 -10 0 -18" fill="none" '
    return needles + f'{smoke}stroke="{colour}" stroke-opacity=".55" stroke-width="3" stroke-linecap="round"/>'


def _mountain(colour: str) -> str:
    light = mixed(colour, "#ffffff", 0.45)
    return clipped(
        "m",
        "M150 262 V206 H250 V262Z",
        f'<circle cx="226" cy="216" r="9" fill="{light}"/>'
        f'<path d="M140 264 L178 216 L204 246 L222 228 L262 266Z" fill="{light}"/>'
        f'<path d="M134 268 L164 238 L196 264 L226 244 L270 270Z" fill="{colour}"/>',
    )


def _peony(colour: str) -> str:
    petals = "".join(
        f'<ellipse cx="200" cy="214" rx="10" ry="18" fill="{colour}" fill-opacity=".75" transform="rotate({a} 200 234)"/>'
        for a in range(0, 360, 45)
    )
    return petals + '<circle cx="200" cy="234" r="8" fill="#e3b04b"/>'


def _daisies(colour: str) -> str:
    flowers = []
    for x, y, r in ((176, 226, 1.0), (216, 220, 1.15), (202, 248, 0.85)):
        petals = "".join(
            f'<ellipse cx="{x}" cy="{y - 11 * r:.0f}" rx="{4 * r:.1f}" ry="{8 * r:.1f}" fill="#ffffff" '
            f'stroke="{colour}" stroke-width="1" transform="rotate({a} {x} {y})"/>'
            for a in range(0, 360, 40)
        )
        flowers.append(f'{petals}<circle cx="{x}" cy="{y}" r="{6 * r:.1f}" fill="#e0a92f"/>')
    return "".join(flowers)


def _apple(colour: str) -> str:
    return (
        f'<path d="M200 222 c-26 -16 -44 8 -36 28 c6 14 22 20 36 14 c14 6 30 0 36 -14 c8 -20 -10 -44 -36 -28Z" fill="{colour}"/>'
        f'<path d="M200 224 c0 -10 4 -16 10 -20" stroke="#5b4630" stroke-width="3" fill="none" stroke-linecap="round"/>'
        f"{leaf(206, 210, 24, -18, '#6d8a4e')}"
        '<ellipse cx="182" cy="238" rx="5" ry="9" fill="#ffffff" opacity=".4" transform="rotate(20 182 238)"/>'
    )


def _whisked(colour: str) -> str:
    return (
        f'<circle cx="200" cy="234" r="27" fill="{colour}"/>'
        f'<path d="M184 234 a16 16 0 1 1 16 16 a11 11 0 1 1 10 -14" fill="none" stroke="{mixed(colour, "#ffffff", 0.5)}" '
        'stroke-width="4" stroke-linecap="round"/>'
    )


MOTIFS = {
    "sprig": _sprig,
    "rolled": _rolled,
    "smoke": _smoke,
    "mountain": _mountain,
    "peony": _peony,
    "daisies": _daisies,
    "apple": _apple,
    "whisked": _whisked,
}
