"""The AsyncAPI document is fresh and describes every declared topic."""

import json
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from typing import Any

from contracts import asyncapi
from contracts.codec import cloud_event_headers
from contracts.topics import EVENTS, TOPICS
from tests.factories import at


def test_the_committed_document_is_fresh() -> None:
    assert asyncapi.FILE.read_text() == asyncapi.text(), "run `shopstream reference`"


def test_every_topic_is_a_channel_with_its_payload() -> None:
    document = json.loads(asyncapi.FILE.read_text())
    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        payload = document["channels"][topic.name]["messages"][topic.value.__name__]["payload"]["schema"]
        assert _at(document, payload["$ref"])["properties"].keys() == set(topic.value.__struct_fields__)


def test_every_reference_leads_to_something_in_the_document() -> None:
    """A tool looks from the top of the document, also from within a schema."""
    document = json.loads(asyncapi.FILE.read_text())
    references = set(_references(document))
    assert len(references) > len(TOPICS)
    for each in references:
        assert _at(document, each)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from [value for name, value in part.items() if name == "$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _references(each)


def _at(document: Any, reference: str) -> Any:
    assert reference.startswith("#/")
    return reduce(getitem, reference[2:].split("/"), document)


def test_the_headers_it_promises_are_the_headers_we_send() -> None:
    sent = dict(cloud_event_headers(EVENTS, id="m1", source="shopstream/ingest", subject="ada", time=at("12:00")))
    assert sent.keys() == asyncapi.CLOUD_EVENTS.keys()
