"""Simulated shoppers click where the shop's pages have something to click."""

from random import Random

import pytest

from contracts.event_names import USER_ENGAGEMENT
from producers.ingest.parameters import parameters_of
from producers.shoppers.clicks import NARROW, WIDE, clicks_on


@pytest.mark.parametrize("layouts", [WIDE, NARROW])
@pytest.mark.parametrize(("path", "kind"), [("/", "list"), ("/products/tea", "product")])
def test_every_click_is_on_the_page_and_ingest_takes_it(layouts: dict[str, object], path: str, kind: str) -> None:
    told = clicks_on(path, 100, 1, is_wide=layouts is WIDE, chance=Random(1))
    read = parameters_of(USER_ENGAGEMENT, told).properties
    assert len(read.clicks) == 100
    assert all(click.y < (read.page_height_px or 0) for click in read.clicks)
    assert sum(click.is_rage for click in read.clicks) == 1
    assert "a:/cart" in {click.element for click in read.clicks}


def test_a_page_without_a_layout_tells_nothing() -> None:
    assert clicks_on("/cart", 3, 0, is_wide=True, chance=Random(1)) == {}
