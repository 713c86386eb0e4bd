"""Which fix is for which dead letter."""

from pathlib import Path
from typing import Any

import pytest

from producers.dead_letters.conditions import condition_of
from producers.dead_letters.fix import text_of
from producers.dead_letters.fix_errors import FixError
from producers.dead_letters.rules import fix_for, rules_of_file
from tests.factories import dead_letter

MAPPING = """
[[rule]]
code = "schema"
where = ['event = "add_to_cart"', "properties.value is text"]
fix = ["number properties.value", 'default properties.currency = "EUR"']

[[rule]]
message = "event must be"
fix = "rename event.name -> event"
"""


@pytest.mark.parametrize(
    ("condition", "call", "holds"),
    [
        ('event = "x"', {"event": "x"}, True),
        ('event = "x"', {}, False),
        ('event != "x"', {}, True),
        ("properties.n = 1", {"properties": {"n": 1.0}}, True),
        ("properties.n = 1", {"properties": {"n": True}}, False),
        ("anonymousId is missing", {"anonymousId": ""}, True),
        ("anonymousId is not missing", {"anonymousId": "a"}, True),
        ("event is object", {"event": {"name": "x"}}, True),
        ("items[*].price is text", {"items": [{"price": 1}, {"price": "1"}]}, True),
        ("items[*].price is text", {"items": []}, False),
    ],
)
def test_a_condition_holds_or_not(condition: str, call: Any, holds: bool) -> None:
    assert condition_of(condition).holds(call) is holds


@pytest.mark.parametrize("text", ["event", "event is odd", "event = x", "event = 1 and x", "= 1", "event is not"])
def test_a_condition_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(FixError):
        condition_of(text)


def test_every_rule_of_a_file_that_fits_is_applied_in_order(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING)
    rules = rules_of_file(tmp_path / "mapping.toml")

    def fix(call: Any, **letter: Any) -> str | None:
        found = fix_for(rules, dead_letter(**letter), call)
        return None if found is None else text_of(found)

    cart = {"event": "add_to_cart", "properties": {"value": "1"}}
    price, name = 'number properties.value; default properties.currency = "EUR"', "rename event.name -> event"
    assert fix(cart) == price
    assert fix(cart, code="too_large") is None
    assert fix({"event": {}}, message="event must be a text") == name
    assert fix(cart, message="event must be a text") == f"{price}; {name}"


@pytest.mark.parametrize(
    "text",
    [
        "rule = 1",
        "[[rule]]",
        "[[rule]]\nfix = ''",
        "[[rule]]\nfix = 'drop x'\nwhen = 1",
        "[[rule",
        "[[rule]]\nfix = 'x'",
    ],
)
def test_a_file_that_cannot_be_used_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(text)
    with pytest.raises(FixError, match=r"mapping\.toml cannot be used: "):
        rules_of_file(tmp_path / "mapping.toml")
