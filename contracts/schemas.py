"""JSON Schema 2020-12 of every topic's records, made from the same structs that decode them."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.topics import TOPICS, Topic

FOLDER: Final = Path(__file__).parent / "schemas"


def schema_of(topic: Topic) -> dict[str, Any]:
    """The schema of one record's value."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{topic.type.replace('.', ':')}",
        "$ref": f"#/$defs/{topic.value.__name__}",
        "$defs": definitions_of(topic, "#/$defs/{name}"),
    }


def definitions_of(topic: Topic, place: str) -> dict[str, Any]:
    """The schemas of the structs that a record is made of, by name; they find each other at `place`."""
    _, definitions = msgspec.json.schema_components([topic.value], ref_template=place)
    return {name: _tidy(definition) for name, definition in sorted(definitions.items())}


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Docstrings as running text."""
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    return schema


def documents() -> dict[Path, str]:
    """The text of each committed schema file."""
    return {FOLDER / f"{topic.name}.json": json.dumps(schema_of(topic), indent=2) + "\n" for topic in TOPICS}


def write() -> list[Path]:
    """Write the schema files that changed; returns them."""
    FOLDER.mkdir(exist_ok=True)
    changed = [path for path, text in documents().items() if not path.exists() or path.read_text() != text]
    for path in changed:
        path.write_text(documents()[path])
    return changed
