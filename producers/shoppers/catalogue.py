"""What the simulated shoppers look at and buy: the demo storefront's products, as GA4 items."""

from dataclasses import dataclass
from typing import Final

CURRENCY: Final = "EUR"
BRAND: Final = "Moss & Kiln"
SHOP_URL: Final = "https://mossandkiln.example"
SHIPPING: Final = 4.90
FREE_SHIPPING_FROM: Final = 60.0
COUPON: Final = "LEAF10"
COUPON_PERCENT: Final = 10.0


@dataclass(frozen=True, slots=True)
class Product:
    """One product. `item_id` is also its place in the shop: `/products/{item_id}`."""

    item_id: str
    name: str
    category: str
    price: float

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


# tests/unit/storefront/test_catalogue.py holds this list and the shop's own together.
PRODUCTS: Final = (
    Product("misty-peak-sencha", "Misty Peak Sencha", "Tea", 14.00),
    Product("amber-valley-oolong", "Amber Valley Oolong", "Tea", 18.50),
    Product("smoked-pine-souchong", "Smoked Pine Souchong", "Tea", 15.50),
    Product("first-flush-darjeeling", "First Flush Darjeeling", "Tea", 22.00),
    Product("white-peony", "White Peony", "Tea", 19.00),
    Product("orchard-rooibos", "Orchard Rooibos", "Tea", 11.50),
    Product("meadow-chamomile", "Meadow Chamomile", "Tea", 9.50),
    Product("ceremonial-matcha", "Ceremonial Matcha", "Tea", 32.00),
    Product("moss-side-handle-teapot", "Moss Side-Handle Teapot", "Teapots", 68.00),
    Product("dune-stoneware-teapot", "Dune Stoneware Teapot", "Teapots", 84.00),
    Product("cloud-porcelain-teapot", "Cloud Porcelain Teapot", "Teapots", 96.00),
    Product("ember-iron-teapot", "Ember Iron Teapot", "Teapots", 118.00),
    Product("clear-glass-teapot", "Clear Glass Teapot", "Teapots", 54.00),
    Product("night-tenmoku-bowl", "Night Tenmoku Bowl", "Cups & Bowls", 38.00),
    Product("ash-matcha-bowl", "Ash Matcha Bowl", "Cups & Bowls", 42.00),
    Product("speckled-mug", "Speckled Mug", "Cups & Bowls", 24.00),
    Product("celadon-gaiwan", "Celadon Gaiwan", "Cups & Bowls", 46.00),
    Product("pair-of-dawn-cups", "Pair of Dawn Cups", "Cups & Bowls", 34.00),
    Product("lichen-tumbler", "Lichen Tumbler", "Cups & Bowls", 19.00),
    Product("bamboo-whisk", "Bamboo Whisk", "Tools", 18.00),
    Product("cherry-tea-scoop", "Cherry Tea Scoop", "Tools", 8.50),
    Product("walnut-tray", "Walnut Tray", "Tools", 48.00),
    Product("cedar-tea-caddy", "Cedar Tea Caddy", "Tools", 21.00),
    Product("fine-strainer", "Fine Strainer", "Tools", 12.50),
)
CATEGORIES: Final = tuple(dict.fromkeys(product.category for product in PRODUCTS))
BY_ID: Final = {product.item_id: product for product in PRODUCTS}
LISTED: Final = {
    category: [
        {**product.item(), "index": index}
        for index, product in enumerate([p for p in PRODUCTS if category in (None, p.category)][:12])
    ]
    for category in (None, *CATEGORIES)
}
"""The items that the list page of a category shows first; None is the page of all products."""
SEARCHES: Final = {
    "Tea": ("sencha", "oolong", "green tea", "matcha", "herbal"),
    "Teapots": ("teapot", "side handle", "iron teapot", "glass"),
    "Cups & Bowls": ("mug", "tea bowl", "gaiwan", "cup"),
    "Tools": ("whisk", "tray", "gift under 20", "strainer"),
}
