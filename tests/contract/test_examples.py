"""Golden records: every example satisfies its schema, is decoded and encoded to the same bytes, and has the headers of its topic."""

import json
from datetime import datetime

import jsonschema
import msgspec
import pytest

from contracts import asyncapi, examples
from contracts.codec import ENCODER, EVENT_DECODER, SESSION_FEATURES_DECODER
from contracts.schemas import schema_of
from contracts.topics import TOPICS
from models.session_features import features_of
from models.visitor import Visitor

EXAMPLES = [each for topic in TOPICS for each in examples.examples(topic)]
OF_INGEST = "ingest"
"""HTTP bodies with what ingest makes of them; tests/unit/producers/ingest reads them."""

each_example = pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{example.topic.name}/{example.situation}"
)


def test_every_topic_has_examples_and_every_file_is_one() -> None:
    assert {each.topic.name for each in EXAMPLES} == {topic.name for topic in TOPICS}
    files = {path for path in examples.FOLDER.rglob("*") if path.is_file()}
    unused = files - {each.path for each in EXAMPLES} - set((examples.FOLDER / OF_INGEST).glob("*.json"))
    assert unused == set(), "no test reads these: put them into the folder of a topic, or delete them"


@each_example
def test_it_satisfies_the_published_schema(example: examples.Example) -> None:
    jsonschema.validate(json.loads(example.value), schema_of(example.topic), cls=jsonschema.Draft202012Validator)


@each_example
def test_decoded_and_encoded_again_it_has_the_same_bytes(example: examples.Example) -> None:
    again = ENCODER.encode(msgspec.json.decode(example.value, type=example.topic.value))
    assert again == example.value, "run `shopstream reference`"
    assert example.path.read_text() == example.text(), "run `shopstream reference`"


@each_example
def test_its_headers_are_those_of_cloud_events(example: examples.Example) -> None:
    headers = dict(example.headers)
    headers.pop("traceparent", None)
    assert list(headers) == list(asyncapi.CLOUD_EVENTS)
    assert headers["ce_type"] == example.topic.type
    assert headers["ce_subject"] == example.key
    assert datetime.fromisoformat(headers["ce_time"]).tzinfo is not None


def test_the_key_is_the_visitor() -> None:
    for example in EXAMPLES:
        visitor_id = json.loads(example.value).get("visitor_id")
        assert visitor_id is None or example.key == visitor_id


def test_the_fold_of_the_example_events_is_the_example_session() -> None:
    """The examples tell one visitor's story."""
    found = {each.situation: each for each in EXAMPLES if each.topic.name in ("events", "session-features")}
    visitor = Visitor(found["first-page-view"].key)
    for situation in ("first-page-view", "product-view", "engagement", "add-to-cart", "identified"):
        visitor.observe(EVENT_DECODER.decode(found[situation].value))
    (session,) = visitor.sessions
    features = features_of(visitor, session, session.last[1])
    assert features == SESSION_FEATURES_DECODER.decode(found["cart-filled"].value)
