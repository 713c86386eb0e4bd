"""The page of an evaluation in a browser, as somebody opens it who was sent it."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from models.evaluation import row_of
from shopstream.evaluate import Evaluation
from shopstream.report import page_of


@pytest.fixture
def page(tmp_path: Path) -> Path:
    random = np.random.default_rng(1)
    probability = random.uniform(size=300)
    bought = (random.uniform(size=300) < probability).astype(float)
    result = Evaluation(
        format="own",
        data="the shop's own log",
        protocol="judged",
        model_version="boosting-1",
        trained_until=None,
        challengers={"boosting": 0.2},
        curve=tuple(row_of(k, probability, bought, resamples=5) for k in (1, 3, 5, 10, 20)),
        curve_of_new_visitors=(),
    )
    file = tmp_path / "report.html"
    file.write_text(page_of(result), encoding="utf-8")
    return file


def test_on_a_telephone_the_tables_move_and_not_the_page(browser: Browser, page: Path) -> None:
    opened = browser.new_page(viewport={"width": 375, "height": 800}, is_mobile=True)
    opened.goto(page.as_uri())
    assert opened.evaluate("document.documentElement.scrollWidth") == 375
    table = opened.locator(".table").first
    assert table.evaluate("it => it.scrollWidth > it.clientWidth"), "no figure is left out"
    letters = "it => it.querySelector('text').getBoundingClientRect().height"
    assert opened.locator("svg").first.evaluate(letters) >= 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out_from_the_page(browser: Browser, page: Path, scheme: str) -> None:
    opened = browser.new_page()
    opened.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    opened.goto(page.as_uri())
    colours = opened.evaluate(
        """() => [document.body, ...document.querySelectorAll('figure span, small')].map(it => getComputedStyle(it).color)"""
    )
    paper = _luminance(opened.evaluate("getComputedStyle(document.body).backgroundColor"))
    for colour in colours:
        low, high = sorted((paper, _luminance(colour)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour


def _luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, as WCAG 2 defines it."""
    parts = [int(each) / 255 for each in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
