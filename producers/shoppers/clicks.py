"""Where shoppers click on the demo shop's pages: the places as the shop lays them out, 1,280 and 390 pixels wide."""

from random import Random
from typing import Any, Final, NamedTuple

from producers.shoppers.catalogue import PRODUCTS


class Place(NamedTuple):
    """A rectangle that is clicked: its sides as shares of the page's width, its top and bottom in pixels."""

    weight: float
    element: str | None
    left: float
    right: float
    top: float
    bottom: float


class Layout(NamedTuple):
    height_px: int
    places: tuple[Place, ...]


def _cards(columns: int, rows: int, top: float, row_px: float, height_px: float) -> tuple[Place, ...]:
    """A grid of products: each further row is clicked less."""
    step, width = (0.235, 0.216) if columns == 4 else (0.477, 0.441)
    return tuple(
        Place(
            4 * 0.7**row,
            "a:/products/" + PRODUCTS[(row * columns + column) % len(PRODUCTS)].item_id,
            left := 0.04 + column * step,
            left + width,
            edge := top + row * row_px,
            edge + height_px,
        )
        for row in range(rows)
        for column in range(columns)
    )


WIDE: Final = {
    "list": Layout(3724, (
        Place(6, "input#q", 0.79, 0.89, 57, 85),
        Place(4, "a:/cart", 0.93, 0.96, 52, 90),
        Place(5, "a:/", 0.04, 0.19, 525, 575),
        Place(8, "a:/", 0.04, 0.44, 706, 744),
        Place(4, None, 0.5, 0.94, 180, 600),  # the picture beside the greeting leads nowhere
        *_cards(4, 6, 774, 427, 367),
    )),
    "product": Layout(1664, (
        Place(20, "button.button", 0.65, 0.88, 495, 541),
        Place(7, None, 0.06, 0.48, 200, 690),  # nor does the product's own picture
        Place(3, "input#quantity", 0.58, 0.6, 505, 531),
        Place(5, "a:/cart", 0.93, 0.96, 52, 90),
        *_cards(4, 1, 939, 427, 367),
    )),
}  # fmt: skip
NARROW: Final = {
    "list": Layout(5662, (
        Place(3, "input#q", 0.52, 0.79, 53, 81),
        Place(4, "a:/cart", 0.85, 0.95, 47, 87),
        Place(4, "a:/", 0.04, 0.54, 448, 498),
        Place(5, "a:/", 0.04, 0.95, 983, 1020),
        *_cards(2, 12, 1092, 318, 281),
    )),
    "product": Layout(2497, (
        Place(20, "button.button", 0.4, 0.95, 919, 965),
        Place(5, None, 0.06, 0.94, 200, 560),
        Place(5, "a:/cart", 0.85, 0.95, 47, 87),
        *_cards(2, 2, 1363, 333, 281),
    )),
}  # fmt: skip


def clicks_on(path: str, count: int, rage_count: int, *, is_wide: bool, chance: Random) -> dict[str, Any]:
    """What a report of so many clicks says of their places; nothing of pages whose layout depends on the cart."""
    kind = "list" if path == "/" else "product" if path.startswith("/products/") else None
    if kind is None:
        return {}
    layout = (WIDE if is_wide else NARROW)[kind]
    clicks: list[dict[str, Any]] = []
    for place in chance.choices(layout.places, [place.weight for place in layout.places], k=count):
        click: dict[str, Any] = {
            "x": round(chance.triangular(place.left, place.right), 3),
            "y": round(chance.triangular(place.top, place.bottom)),
        }
        if place.element:
            click["element"] = place.element
        if len(clicks) < rage_count:
            click["is_rage"] = True
        clicks.append(click)
    return {"clicks": clicks, "page_height_px": layout.height_px} if clicks else {"page_height_px": layout.height_px}
