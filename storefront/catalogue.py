"""What the shop sells, and how it is found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

BRAND: Final = "Moss & Kiln"
CURRENCY: Final = "EUR"

Category = Literal["Tea", "Teapots", "Cups & Bowls", "Tools"]

SORTS: Final = {
    "featured": "Featured",
    "price-up": "Price, low to high",
    "price-down": "Price, high to low",
    "name": "Name",
}
CATEGORIES: Final[dict[Category, str]] = {
    "Tea": "Eight teas from gardens we know by name, packed the week they arrive.",
    "Teapots": "Thrown, cast and blown: five pots that pour without a drip.",
    "Cups & Bowls": "For two hands, for one sip, for the whole afternoon.",
    "Tools": "Bamboo, cherry and steel. The few things a good cup asks for.",
}


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One product. `item_id` is its place in the shop: `/products/{item_id}`."""

    item_id: str
    name: str
    category: Category
    price: float
    line: str
    """One line for the list."""
    story: str
    facts: tuple[tuple[str, str], ...]

    def item(self, quantity: int = 1) -> dict[str, object]:
        """The product as one line of GA4's `items[]`."""
        return {
            "item_id": self.item_id,
            "item_name": self.name,
            "item_brand": BRAND,
            "item_category": self.category,
            "price": self.price,
            "quantity": quantity,
        }


class _Shelves(msgspec.Struct):
    product: tuple[Product, ...]


PRODUCTS: Final = msgspec.toml.decode(Path(__file__).with_name("products.toml").read_bytes(), type=_Shelves).product
BY_ID: Final = {product.item_id: product for product in PRODUCTS}


def found(category: str = "", search: str = "", sort: str = "featured") -> list[Product]:
    """The products of the category in which every word of the search occurs, in the order asked for."""
    words = search.casefold().split()
    matches = [
        product
        for product in PRODUCTS
        if category in ("", product.category)
        and all(word in f"{product.name} {product.category} {product.line}".casefold() for word in words)
    ]
    match sort:
        case "price-up":
            matches.sort(key=lambda product: product.price)
        case "price-down":
            matches.sort(key=lambda product: -product.price)
        case "name":
            matches.sort(key=lambda product: product.name)
    return matches


def related_to(product: Product) -> Sequence[Product]:
    """What goes with the product: its neighbour of the same kind, and one of each other kind."""
    place = PRODUCTS.index(product)
    shelf = [each for each in PRODUCTS if each.category == product.category]
    neighbour = shelf[(shelf.index(product) + 1) % len(shelf)]
    others = []
    for category in CATEGORIES:
        if category != product.category:
            shelf = [each for each in PRODUCTS if each.category == category]
            others.append(shelf[place % len(shelf)])
    return [neighbour, *others]
