"""Today's topics break nobody who reads the released ones; and what would break somebody is found, of each kind."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts import compatibility
from contracts.topics import TOPICS
from shopstream.__main__ import main

Topics = dict[str, dict[str, Any]]


def test_nothing_that_was_released_is_broken() -> None:
    broken = compatibility.breaks(compatibility.released(), compatibility.current())
    assert broken == [], "\n".join(broken)


def test_every_topic_was_released_or_is_new() -> None:
    assert set(compatibility.released()) <= {topic.name for topic in TOPICS}


def changed(change: Callable[[Topics], Any]) -> list[str]:
    """What the check says of today's topics after a change; they get what they have none of, too."""
    old = compatibility.current()
    put("notes", {"type": "array"})(old)
    put("labels", {"type": "object", "additionalProperties": {"type": "string"}})(old)
    new = copy.deepcopy(old)
    change(new)
    return compatibility.breaks(old, new)


def fields(topics: Topics, topic: str = "session-features", name: str = "SessionFeatures") -> dict[str, Any]:
    found: dict[str, Any] = topics[topic]["schema"]["$defs"][name]
    return found


def without(topics: Topics, field: str) -> Any:
    fields(topics)["required"].remove(field)
    return fields(topics)["properties"].pop(field)


def renamed(topics: Topics) -> None:
    fields(topics)["properties"]["basket_value"] = without(topics, "cart_value")


def put(field: str, schema: dict[str, Any], topic: str = "session-features", name: str = "SessionFeatures") -> Any:
    return lambda topics: fields(topics, topic, name)["properties"].__setitem__(field, schema)


BREAKING: dict[str, tuple[Callable[[Topics], Any], str]] = {
    "a field is removed": (lambda topics: without(topics, "cart_value"), "field cart_value was removed or renamed"),
    "a field is renamed": (renamed, "field cart_value was removed or renamed"),
    "a type is narrowed": (put("cart_value", {"type": "integer"}), "field cart_value may no longer be number"),
    "null is no longer told": (put("user_id", {"type": "string"}), "field user_id may no longer be null"),
    "null comes in": (
        put("cart_value", {"anyOf": [{"type": "number"}, {"type": "null"}]}),
        "field cart_value may now be null, which its readers have never met",
    ),
    "another type": (put("hour", {"type": "string"}), "field hour may no longer be integer"),
    "a limit is tightened": (
        put("message_id", {"type": "string", "minLength": 1, "maxLength": 64}, "events", "Event"),
        "field message_id has maxLength 64",
    ),
    "a format changes": (put("started_at", {"type": "string"}), "field started_at had format date-time and has None"),
    "a word is taken away": (
        put("style", {"enum": ["Explorer", "Hurried"]}, "decisions", "Decision"),
        "field style may no longer be Bargain hunter",
    ),
    "a nested field is removed": (
        lambda topics: fields(topics, "decisions", "Incentive")["properties"].pop("discount"),
        "field incentive.discount was removed or renamed",
    ),
    "a field of a list's items is removed": (
        lambda topics: fields(topics, "events", "Item")["properties"].pop("price"),
        "field properties.items[].price was removed or renamed",
    ),
    "a list's items become narrower": (
        put("because", {"type": "array", "items": {"type": "integer"}}, "decisions", "Decision"),
        "field because[] may no longer be string but integer",
    ),
    "a list's items may be anything": (
        put("because", {"type": "array"}, "decisions", "Decision"),
        "field because[] may no longer be string but anything",
    ),
    "a list of anything becomes one of words": (
        put("notes", {"type": "array", "items": {"type": "string"}}),
        "field notes[] may no longer be anything but string",
    ),
    "a mapping's values change their type": (
        put("labels", {"type": "object", "additionalProperties": {"type": "integer"}}),
        "field labels{} may no longer be string but integer",
    ),
    "other fields are refused": (
        lambda topics: fields(topics).update(additionalProperties=False),
        "the record may no longer have other fields",
    ),
    "a new field is required": (
        lambda topics: (
            put("colour", {"type": "string"})(topics),
            fields(topics)["required"].append("colour"),
        ),
        "new field colour is required, and the records that are on the topic have none: give it a default",
    ),
    "a field becomes required": (
        lambda topics: fields(topics)["required"].append("os"),
        "field os is now required, and there are records without it",
    ),
    "a field may be left out": (
        lambda topics: fields(topics)["required"].remove("cart_value"),
        "field cart_value was in every record and may now be left out",
    ),
    "another default": (
        put("quantity", {"type": "number", "default": 2.0}, "events", "Item"),
        "field properties.items[].quantity was 1.0 where it is left out and is now 2.0",
    ),
    "only multiples of something": (
        put("cart_value", {"type": "number", "multipleOf": 0.5}),
        "field cart_value had multipleOf None and has 0.5",
    ),
    "a mapping may hold less": (
        put("labels", {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 8}),
        "field labels has maxProperties 8",
    ),
    "another key": (
        lambda topics: topics["events"]["topic"].update(key="user_id"),
        "topic events: its key was visitor_id and is user_id",
    ),
    "another number of partitions": (
        lambda topics: topics["events"]["topic"].update(partitions=7),
        "topic events: its partitions was 6 and is 7",
    ),
    "another CloudEvents type": (
        lambda topics: topics["events"]["topic"].update(type="shopstream.event.v2"),
        "topic events: its type was shopstream.event.v1",
    ),
    "a topic is removed": (lambda topics: topics.pop("outcomes"), "topic outcomes is gone"),
}


@pytest.mark.parametrize(("change", "words"), BREAKING.values(), ids=BREAKING.keys())
def test_it_breaks_somebody_and_the_check_says_so_and_what_to_do(change: Callable[[Topics], Any], words: str) -> None:
    (said,) = changed(change)
    assert words in said
    assert "docs/topics.md" in said


ADDITIONS: dict[str, Callable[[Topics], Any]] = {
    "a field with a default": put("colour", {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}),
    "a word": put("style", {"enum": ["Bargain hunter", "Explorer", "Hurried", "Sleepy"]}, "decisions", "Decision"),
    "a topic": lambda topics: topics.__setitem__("replays", topics["events"]),
    "a wider limit": put("message_id", {"type": "string", "minLength": 1, "maxLength": 256}, "events", "Event"),
    "a better description": put("cart_value", {"type": "number", "description": "What is in the cart."}),
}


@pytest.mark.parametrize("change", ADDITIONS.values(), ids=ADDITIONS.keys())
def test_an_addition_passes(change: Callable[[Topics], Any]) -> None:
    assert changed(change) == []


def test_the_command_says_it_and_ends_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["topics", "check"]) == 0
    assert "break nobody" in capsys.readouterr().out
    broken = compatibility.current()
    broken.pop("outcomes")
    monkeypatch.setattr(compatibility, "current", lambda: broken)
    assert main(["topics", "check"]) == 1
    assert "topic outcomes is gone" in capsys.readouterr().out


def test_a_release_forgets_a_topic_that_is_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "RELEASED", tmp_path)
    compatibility.release()
    fewer = compatibility.current()
    fewer.pop("outcomes")
    monkeypatch.setattr(compatibility, "current", lambda: fewer)
    assert compatibility.release() == [tmp_path / "outcomes.json"]
    assert compatibility.breaks(compatibility.released(), fewer) == []
