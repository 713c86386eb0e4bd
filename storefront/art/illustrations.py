"""Every product's illustration, by its id."""

from collections.abc import Callable
from functools import cache, partial
from typing import Final

from storefront.art import cups, teapots, tools
from storefront.art.tea import tin

_DRAWN: Final[dict[str, Callable[[str], str]]] = {
    "misty-peak-sencha": partial(
        tin, wall="#dfe8dc", body="#5f7f5c", paper="#f4f0e2", plant="#5f7f5c", tea="#5d7a45", motif="mountain"
    ),
    "amber-valley-oolong": partial(
        tin, wall="#f2e3cc", body="#b3742f", paper="#fbf1dd", plant="#9a5f22", tea="#7a5a34", motif="rolled"
    ),
    "smoked-pine-souchong": partial(
        tin, wall="#dcdcd8", body="#3f4a45", paper="#e9e5da", plant="#33453a", tea="#3a2f28", motif="smoke"
    ),
    "first-flush-darjeeling": partial(
        tin, wall="#ece6d0", body="#8a8f3c", paper="#faf6e4", plant="#71792c", tea="#8a7a45", motif="sprig"
    ),
    "white-peony": partial(
        tin, wall="#ebe3e4", body="#d9cfc9", paper="#fffdf8", plant="#b58a94", tea="#b9b290", motif="peony"
    ),
    "orchard-rooibos": partial(
        tin, wall="#f3dcd0", body="#a4452f", paper="#fdeee2", plant="#b44a33", tea="#9a4a2c", motif="apple"
    ),
    "meadow-chamomile": partial(
        tin, wall="#f5ebcb", body="#dcae48", paper="#fffaf0", plant="#b98a2a", tea="#d8b65a", motif="daisies"
    ),
    "ceremonial-matcha": partial(
        tin, wall="#dfe9cf", body="#2f3a2e", paper="#eef2df", plant="#7f9c3c", tea="#86a43f", motif="whisked"
    ),
    "moss-side-handle-teapot": teapots.side_handle,
    "dune-stoneware-teapot": teapots.bail,
    "cloud-porcelain-teapot": teapots.porcelain,
    "ember-iron-teapot": teapots.iron,
    "clear-glass-teapot": teapots.glass,
    "night-tenmoku-bowl": cups.tenmoku,
    "ash-matcha-bowl": cups.matcha,
    "speckled-mug": cups.mug,
    "celadon-gaiwan": cups.gaiwan,
    "pair-of-dawn-cups": cups.pair,
    "lichen-tumbler": cups.tumbler,
    "bamboo-whisk": tools.whisk,
    "cherry-tea-scoop": tools.scoop,
    "walnut-tray": tools.tray,
    "cedar-tea-caddy": tools.caddy,
    "fine-strainer": tools.strainer,
}


@cache
def illustration(item_id: str) -> str | None:
    """The product's SVG; None when there is no such product."""
    draw = _DRAWN.get(item_id)
    return draw(item_id) if draw else None
