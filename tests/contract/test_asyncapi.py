"""The AsyncAPI document is fresh and describes every declared topic."""

import json

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
        assert payload["$ref"].rpartition("/")[2] in payload["$defs"]


def test_the_headers_it_promises_are_the_headers_we_send() -> None:
    sent = dict(cloud_event_headers(EVENTS, id="m1", source="shopstream/ingest", subject="ada", time=at("12:00")))
    assert sent.keys() == asyncapi.CLOUD_EVENTS.keys()
