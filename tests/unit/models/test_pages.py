"""Kinds of pages and places of countries: told from what shops call things."""

import pytest

from models.markets import COUNTRIES, country_name, country_place, system_place
from models.pages import kind_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "home"),
        ("/home", "home"),
        ("/store.html", "home"),
        ("/basket.html", "cart"),
        ("/cart?item=3", "cart"),
        ("/signin.html", "account"),
        ("/account/orders", "account"),
        ("/payment.html", "checkout"),
        ("/cart/checkout", "checkout"),
        ("/store-policies/shipping-information", "information"),
        ("/product/17", "product"),
        ("/google+redesign/bags", None),
        ("/apparel/cardigans", None),
    ],
)
def test_a_path_tells_its_kind(path: str, kind: str | None) -> None:
    assert kind_of(path) == kind


def test_a_country_has_one_place_by_code_and_by_name() -> None:
    assert country_place("US") == country_place("United States") == 1.0
    assert country_place("Atlantis") == len(COUNTRIES) + 1
    assert country_place(None) is None


def test_a_name_that_nobody_knows_is_not_repeated() -> None:
    assert country_name("<b>x</b>") == "another country"
    assert country_name("de") == "Germany"


def test_a_system_is_known_by_how_its_name_begins() -> None:
    assert [system_place(name) for name in ("Windows 10", "Macintosh", "Chrome OS", "BeOS")] == [1.0, 2.0, 4.0, 7.0]
