"""Numbers as people write them; what could be two numbers is none."""

import pytest

from producers.dead_letters.amounts import number_in
from producers.dead_letters.fix_errors import Unfixable


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        (" 12.50 ", 12.5),
        ("1.234", 1.234),
        ("-3", -3),
        ("1e3", 1000.0),
        ("12,50", 12.5),
        ("0,125", 0.125),
        ("12,5 €", 12.5),
        ("€ 12,50", 12.5),
        ("$1,234.50", 1234.5),
        ("1.234,50 EUR", 1234.5),
        ("1 234,50", 1234.5),
        ("1'234.50", 1234.5),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1234,567", 1234.567),
        ("EUR -5,00", -5.0),
    ],
)
def test_a_text_says_a_number(text: str, number: float) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "many",
        "12..5",
        "1,2,3",
        "12,50,5",
        "1,234",
        "$1,234",
        "1.234 €",
        "USD 1.234",
        "0x10",
        "NaN",
        "1.2.3,4",
        "--1",
        "1" * 99,
        "٣",
    ],
)
def test_what_is_no_number_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(Unfixable):
        number_in(text)
