"""Whether today's topics can be read by those who read the released ones, and today's readers can read what is still on them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from contracts.schemas import FOLDER, schema_of
from contracts.topics import TOPICS, Topic

RELEASED: Final = FOLDER / "released"
REMEDY: Final = "bring it back, or publish the new form under a new type on a topic of its own (docs/topics.md, Changing a contract)"

Schema = Mapping[str, Any]
TIGHTENING: Final = {
    "minLength": "higher",
    "minimum": "higher",
    "exclusiveMinimum": "higher",
    "minItems": "higher",
    "minProperties": "higher",
    "maxLength": "lower",
    "maximum": "lower",
    "exclusiveMaximum": "lower",
    "maxItems": "lower",
    "maxProperties": "lower",
}
"""Limits, and the direction in which a change refuses records that were good before."""


def topic_facts(topic: Topic) -> dict[str, Any]:
    """What of a topic's declaration its readers rely on."""
    return {"type": topic.type, "key": topic.key, "partitions": topic.partitions}


def current() -> dict[str, dict[str, Any]]:
    """Today's topics with their schemas, by name."""
    facts = {topic.name: {"topic": topic_facts(topic), "schema": schema_of(topic)} for topic in TOPICS}
    # As a file has them: a default may be a tuple.
    as_written: dict[str, dict[str, Any]] = json.loads(json.dumps(facts))
    return as_written


def released() -> dict[str, dict[str, Any]]:
    """The topics of the last release."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(RELEASED.glob("*.json"))}


def release() -> list[Path]:
    """Make today's topics the released ones; returns the files that changed. Part of making a release."""
    RELEASED.mkdir(exist_ok=True)
    changed = []
    for name, facts in current().items():
        path, text = RELEASED / f"{name}.json", json.dumps(facts, indent=2) + "\n"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path)
    for path in RELEASED.glob("*.json"):
        if path.stem not in current():
            path.unlink()
            changed.append(path)
    return changed


def breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Every change from the released topics to today's that breaks somebody, in words; none when all is compatible."""
    found: list[str] = []
    for name, was in old.items():
        if name not in new:
            found.append(f"topic {name} is gone; {REMEDY}")
            continue
        now = new[name]
        for fact, value in was["topic"].items():
            if now["topic"].get(fact) != value:
                found.append(f"topic {name}: its {fact} was {value} and is {now['topic'].get(fact)}; {REMEDY}")
        found += [f"topic {name}: {change}; {REMEDY}" for change in _between(was["schema"], now["schema"])]
    return found


def _between(old: Schema, new: Schema) -> Iterator[str]:
    yield from _compare(old, new, old.get("$defs", {}), new.get("$defs", {}), "", frozenset())


def _compare(
    old: Schema, new: Schema, old_defs: Schema, new_defs: Schema, place: str, seen: frozenset[str]
) -> Iterator[str]:
    if "$ref" in old and old["$ref"] in seen:
        return
    seen |= {old["$ref"]} if "$ref" in old else set()
    old_kinds, new_kinds = _kinds(old, old_defs), _kinds(new, new_defs)
    where = f"field {place}" if place else "the record"
    for kind, was in old_kinds.items():
        now = new_kinds.get(kind)
        if now is None:
            continue
        yield from _limits(was, now, where)
        if kind == "object":
            yield from _fields(was, now, old_defs, new_defs, place, seen)
            had, has = was.get("additionalProperties", True), now.get("additionalProperties", True)
            if has is False and had is not False:
                yield f"{where} may no longer have other fields, and there are records that have"
            yield from _compare(_said(had), _said(has), old_defs, new_defs, f"{place}{{}}", seen)
        if kind == "array":
            yield from _compare(
                _said(was.get("items")), _said(now.get("items")), old_defs, new_defs, f"{place}[]", seen
            )
    gone, come = (
        " or ".join(sorted(each)) for each in (old_kinds.keys() - new_kinds.keys(), new_kinds.keys() - old_kinds.keys())
    )
    if gone:
        yield f"{where} may no longer be {gone}{f' but {come}' if come else ''}, and there are records in which it is"
    elif come:
        yield f"{where} may now be {come}, which its readers have never met"


def _said(schema: Any) -> Schema:
    """What is said of a list's items or a mapping's values; of anything, nothing is."""
    return schema if isinstance(schema, dict) else {}


def _fields(
    old: Schema, new: Schema, old_defs: Schema, new_defs: Schema, place: str, seen: frozenset[str]
) -> Iterator[str]:
    had, has = old.get("properties", {}), new.get("properties", {})
    must_had, must_has = set(old.get("required", ())), set(new.get("required", ()))
    for name, was in had.items():
        path = f"{place}.{name}" if place else name
        if name not in has:
            yield f"field {path} was removed or renamed"
            continue
        if name in must_had and name not in must_has:
            yield f"field {path} was in every record and may now be left out"
        if name in must_has and name not in must_had:
            yield f"field {path} is now required, and there are records without it"
        # Both sides leave out a value that is the default, and read what was left out as theirs.
        if "default" in was and "default" in has[name] and was["default"] != has[name]["default"]:
            yield f"field {path} was {was['default']!r} where it is left out and is now {has[name]['default']!r}"
        yield from _compare(was, has[name], old_defs, new_defs, path, seen)
    for name in has.keys() - had.keys():
        if name in must_has:
            path = f"{place}.{name}" if place else name
            yield f"new field {path} is required, and the records that are on the topic have none: give it a default"


def _limits(old: Schema, new: Schema, where: str) -> Iterator[str]:
    for name, tighter in TIGHTENING.items():
        was, now = old.get(name), new.get(name)
        if now is None or was == now:
            continue
        if was is None or (now > was if tighter == "higher" else now < was):
            yield f"{where} has {name} {now}, and there are records with other values"
    for name in ("format", "contentEncoding", "const", "pattern", "multipleOf"):
        if old.get(name) != new.get(name):
            yield f"{where} had {name} {old.get(name)} and has {new.get(name)}"
    # A word may be added: readers are told to expect it.
    if "enum" in new and (gone := sorted(set(map(str, old.get("enum", ()))) - set(map(str, new["enum"])))):
        yield f"{where} may no longer be {', '.join(gone)}, and there are records in which it is"
    if "enum" in new and "enum" not in old:
        yield f"{where} is now one of {len(new['enum'])} words, and there are records with others"


def _kinds(schema: Schema, defs: Schema) -> dict[str, Schema]:
    """The JSON types that a value may have, each with what is said of it."""
    if "$ref" in schema:
        return _kinds(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        found: dict[str, Schema] = {}
        for each in schema["anyOf"]:
            found |= _kinds(each, defs)
        return found
    if "enum" in schema and "type" not in schema:
        words = [each for each in schema["enum"] if each is not None]
        kinds: dict[str, Schema] = {"string": {**schema, "enum": words}} if words else {}
        return kinds | ({"null": {}} if None in schema["enum"] else {})
    kind = schema.get("type")
    if kind is None:
        return {"anything": schema}
    return dict.fromkeys([kind] if isinstance(kind, str) else kind, schema)
