"""The AsyncAPI 3 document of the topics, for downstream teams and their tools."""

import json
from pathlib import Path
from typing import Any, Final

from contracts.schemas import definitions_of
from contracts.topics import TOPICS, Topic

FILE: Final = Path(__file__).parent / "asyncapi.json"
CLOUD_EVENTS: Final[dict[str, str]] = {
    "ce_specversion": "Always 1.0.",
    "ce_type": "The record's contract and its version.",
    "ce_source": "The step that published it.",
    "ce_id": "Unique within the source.",
    "ce_subject": "The visitor id, as in the key.",
    "ce_time": "When it happened, RFC 3339.",
    "content-type": "Always application/json.",
}
PLACE: Final = "#/components/schemas/{name}"
"""Where schemas find each other: tools read `#` as the whole document, wherever it is said."""


def document() -> dict[str, Any]:
    """Every topic as a channel that others may receive from."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Shopstream topics",
            "version": "1",
            "description": "Kafka topics in CloudEvents 1.0 binary mode: `ce_*` headers, a plain JSON value, one event a record.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {
            f"receive-{topic.name}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "messages": [{"$ref": f"#/channels/{topic.name}/messages/{topic.value.__name__}"}],
            }
            for topic in TOPICS
        },
        "components": {
            "schemas": {name: schema for topic in TOPICS for name, schema in definitions_of(topic, PLACE).items()},
            "messageTraits": {
                "cloudEvent": {
                    "headers": {
                        "type": "object",
                        "required": list(CLOUD_EVENTS),
                        "properties": {
                            name: {"type": "string", "description": text} for name, text in CLOUD_EVENTS.items()
                        },
                    }
                }
            },
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    message = {
        "name": topic.type,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": PLACE.format(name=topic.value.__name__)},
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": f"The record's {topic.key}."}}},
    }
    return {
        "address": topic.name,
        "messages": {topic.value.__name__: message},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {"retention.ms": int(topic.retention.total_seconds() * 1000)},
            }
        },
    }


def text() -> str:
    """The text of the committed file."""
    return json.dumps(document(), indent=2) + "\n"
