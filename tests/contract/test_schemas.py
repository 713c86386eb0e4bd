"""The published JSON Schemas are fresh, valid, and agree with the decoders about real records."""

import json

import jsonschema
import pytest

from contracts import schemas
from contracts.codec import ENCODER
from contracts.topics import DECISIONS, EVENTS, EVENTS_DLQ, OUTCOMES, SESSION_FEATURES, TOPICS, Topic
from tests import factories

RECORDS = [
    (EVENTS, factories.event("add_to_cart", value=20.0, items=[{"item_id": "tea", "price": 10.0, "quantity": 2}])),
    (SESSION_FEATURES, factories.features()),
    (DECISIONS, factories.decision()),
    (OUTCOMES, factories.outcome()),
    (EVENTS_DLQ, factories.dead_letter()),
]


def test_the_committed_schemas_are_fresh() -> None:
    stale = [path.name for path, text in schemas.documents().items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run `shopstream reference`"


def test_every_topic_has_a_record_here() -> None:
    assert {topic.name for topic, _ in RECORDS} == {topic.name for topic in TOPICS}


@pytest.mark.parametrize(("topic", "record"), RECORDS, ids=lambda each: getattr(each, "name", ""))
def test_a_record_satisfies_its_published_schema(topic: Topic, record: object) -> None:
    schema = schemas.schema_of(topic)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(ENCODER.encode(record)), schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_records_instants_are_date_times(topic: Topic) -> None:
    definition = schemas.schema_of(topic)["$defs"][topic.value.__name__]
    instants = [name for name in definition["properties"] if name.endswith("_at") and name != "closed_at"]
    assert instants
    assert all(definition["properties"][name]["format"] == "date-time" for name in instants)
