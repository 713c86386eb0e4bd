"""The fix language: what each operation does, what it refuses, and that a fix is read as it is written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.dead_letters.fix import VERBS, Fix, Operation, fix_of, fixed, text_of
from producers.dead_letters.fix_errors import FixError, Unfixable
from producers.dead_letters.places import Every


@pytest.mark.parametrize(
    ("fix", "before", "after"),
    [
        ("set properties.value = 12.5", {}, {"properties": {"value": 12.5}}),
        ("set properties.value = 12.5", {"properties": {"value": "x"}}, {"properties": {"value": 12.5}}),
        ("set items[*].quantity = 1", {"items": [{}, {"quantity": 2}]}, {"items": [{"quantity": 1}, {"quantity": 1}]}),
        ("set items[1].price = 2", {"items": [{}, {}]}, {"items": [{}, {"price": 2}]}),
        ("set items[7].price = 2", {"items": [{}]}, {"items": [{}]}),
        ('default anonymousId = "a"', {"anonymousId": ""}, {"anonymousId": "a"}),
        ('default anonymousId = "a"', {"anonymousId": None}, {"anonymousId": "a"}),
        ('default anonymousId = "a"', {"anonymousId": "b"}, {"anonymousId": "b"}),
        ("rename event.name -> event", {"event": {"name": "x", "v": 1}}, {"event": "x"}),
        ("rename price -> properties.value", {"price": 2}, {"properties": {"value": 2}}),
        ("rename price -> properties.value", {"x": 1}, {"x": 1}),
        ("rename items[*].cost -> items[*].price", {"items": [{"cost": 1}, {}]}, {"items": [{"price": 1}, {}]}),
        ("rename tags[*] -> names[*]", {"tags": ["a", "b"], "names": ["", None]}, {"tags": [], "names": ["a", "b"]}),
        ("copy userId -> anonymousId", {"userId": "u"}, {"userId": "u", "anonymousId": "u"}),
        ("copy userId -> anonymousId", {"userId": "u", "anonymousId": "a"}, {"userId": "u", "anonymousId": "a"}),
        ("number properties.value", {"properties": {"value": "12,50"}}, {"properties": {"value": 12.5}}),
        ("number properties.value", {"properties": {"value": 3}}, {"properties": {"value": 3}}),
        ("number properties.value", {}, {}),
        ("number items[*].price", {"items": [{"price": "1"}, {}]}, {"items": [{"price": 1}, {}]}),
        ("text userId", {"userId": 7.0}, {"userId": "7"}),
        ("list properties.items", {"properties": {"items": {"a": 1}}}, {"properties": {"items": [{"a": 1}]}}),
        ("drop properties.items", {"properties": {"items": 1, "x": 2}}, {"properties": {"x": 2}}),
        ("drop items[*]", {"items": [1, 2, 3]}, {"items": []}),
        ("drop a.b.c", {"a": "text"}, {"a": "text"}),
        ('drop properties."odd key"', {"properties": {"odd key": 1}}, {"properties": {}}),
        ('set a = "x; y"; drop b', {"b": 1}, {"a": "x; y"}),
        ("set a = 1\n\n  set b = [1,\n 2]\n", {}, {"a": 1, "b": [1, 2]}),
    ],
)
def test_an_operation_does_what_it_says(fix: str, before: Any, after: Any) -> None:
    given = json.dumps(before)
    assert fixed(before, fix_of(fix)) == after
    assert json.dumps(before) == given, "the call itself stays as it was"


@pytest.mark.parametrize(
    ("fix", "call", "words"),
    [
        ("set properties.value = 1", {"properties": "x"}, "properties is a text, not an object"),
        ("rename a -> b", {"a": 1, "b": 2}, "b holds a value already"),
        ("rename a -> list[0]", {"a": 1, "list": []}, r"list\[0\] is not there"),
        ("rename a -> list[0]", {"a": 1}, "list is missing, not a list"),
        ("number value", {"value": "many"}, '"many" is not a number'),
        ("number value", {"value": "1,234"}, "may be 1234 or 1.234"),
        ("number value", {"value": [1]}, "value is a list"),
        ("text value", {"value": {}}, "value is an object"),
    ],
)
def test_what_an_operation_cannot_do_is_said(fix: str, call: Any, words: str) -> None:
    with pytest.raises(Unfixable, match=words):
        fixed(call, fix_of(fix))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("delete x", "one of set, default, rename, copy, number, text, list, drop is wanted at `delete x`"),
        ("set x 1", "`=` as in `set PATH = VALUE` is wanted at `1`"),
        ("set x = EUR", "texts in double quotes"),
        ("set x = NaN", "JSON value"),
        ("set x = 1e999", "JSON value"),
        ("set x = [-1e999]", "JSON value"),
        ("set x =", "is wanted at the end"),
        ("rename a = b", "`->`"),
        ("drop", "a path such as"),
        ("drop a b", "`;` or a new line"),
        ("drop a..b", "a path such as"),
        ("rename a[*].b -> c", "same number of"),
        ('set writeKey = "x"', "writeKey stays what it was"),
        ("rename x -> receivedAt", "receivedAt stays what it was"),
        ('default messageId = "m"', "would make many events one"),
        ('set x = "\\ud800"', "JSON value"),
    ],
)
def test_a_fix_that_cannot_be_read_says_where_and_what_is_wanted(text: str, words: str) -> None:
    with pytest.raises(FixError) as wrong:
        fix_of(text)
    assert words in str(wrong.value)


KEYS = st.sampled_from(["event", "properties", "value", "odd key", "é", "a.b"])
STEPS = st.lists(KEYS | st.integers(0, 3) | st.just(Every.ELEMENT), max_size=3)
PATHS = st.builds(lambda key, steps: (key, *steps), KEYS, STEPS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    verb = draw(st.sampled_from(sorted(VERBS)))
    path = draw(PATHS)
    if VERBS[verb].takes == "value":
        return Operation(verb, path, value=draw(JSON))
    if VERBS[verb].takes == "target":
        stars = sum(step is Every.ELEMENT for step in path)
        target = draw(PATHS.filter(lambda each: sum(step is Every.ELEMENT for step in each) == stars))
        return Operation(verb, path, target=target)
    return Operation(verb, path)


@given(st.lists(operations(), max_size=4).map(tuple))
def test_a_fix_is_read_as_it_is_written(fix: Fix) -> None:
    assert fix_of(text_of(fix)) == fix


@given(st.lists(operations(), max_size=4).map(tuple), st.dictionaries(KEYS, JSON, max_size=4))
def test_whatever_the_call_a_fix_gives_a_json_object_or_says_why_not(fix: Fix, call: Any) -> None:
    try:
        after = fixed(call, fix)
    except Unfixable:
        return
    assert isinstance(json.loads(json.dumps(after)), dict)
