"""Golden records: for each topic, one file a situation, with key, headers and value as they are on the wire."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.codec import ENCODER
from contracts.topics import TOPICS, Topic

FOLDER: Final = Path(__file__).parent / "examples"


@dataclass(frozen=True, slots=True)
class Example:
    """One record. `value` has the very bytes of the wire."""

    topic: Topic
    situation: str
    key: str
    headers: dict[str, str]
    value: bytes

    @property
    def path(self) -> Path:
        return FOLDER / self.topic.name / f"{self.situation}.json"

    def text(self) -> str:
        """The text of its file: the value decoded and encoded again, so that a field that came since is in it."""
        value = msgspec.json.decode(self.value, type=self.topic.value)
        record = {"key": self.key, "headers": self.headers, "value": json.loads(ENCODER.encode(value))}
        return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    headers: dict[str, str]
    value: msgspec.Raw


def examples(topic: Topic) -> list[Example]:
    """The golden records of a topic, by name."""
    return [
        Example(topic, path.stem, file.key, file.headers, msgspec.json.format(bytes(file.value), indent=-1))
        for path in sorted((FOLDER / topic.name).glob("*.json"))
        for file in [msgspec.json.decode(path.read_bytes(), type=_File)]
    ]


def write() -> list[Path]:
    """Write the example files that lack a field; returns them."""
    stale = [each for topic in TOPICS for each in examples(topic) if each.path.read_text() != each.text()]
    for each in stale:
        each.path.write_text(each.text())
    return [each.path for each in stale]


def record_of(example: Example) -> dict[str, Any]:
    """What a Kafka producer's `send` takes."""
    headers = [(name, value.encode()) for name, value in example.headers.items()]
    return {"key": example.key.encode(), "value": example.value, "headers": headers}
