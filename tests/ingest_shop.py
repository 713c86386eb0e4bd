"""An ingest app that tests ask without a socket, and what they send it."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from contracts.codec import DEAD_LETTER_DECODER, EVENT_DECODER
from contracts.dead_letters import DeadLetter
from contracts.events import Event
from producers.ingest.app import IngestApp
from producers.ingest.write_keys import LOCAL, WriteKey, WriteKeys
from runtime.settings import IngestSettings
from tests.asgi import Asked, ask
from tests.fakes import RecordingPublisher

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHOP = "https://shop.example"
KEYS = WriteKeys(
    [
        WriteKey(name="web", origins=(SHOP,)),
        WriteKey(name="other", origins=("https://other.example",)),
        WriteKey(name="back", kind="server"),
        WriteKey(name="slow", origins=("*",), events_per_second=2, burst=4),
    ]
)


class Shop:
    """An ingest app with its recording publisher and a clock that stands."""

    def __init__(self, keys: WriteKeys = LOCAL, **settings: Any) -> None:
        self.publisher = RecordingPublisher()
        self.seconds = 0.0
        self.app = IngestApp(
            replace(IngestSettings(), **settings),
            keys,
            self.publisher,
            snippet=b"window.shopstream=1",
            checks={"kafka": self.publisher.check},
            now=lambda: NOON,
            steady=lambda: self.seconds,
        )

    def post(self, path: str, body: object, **headers: str) -> Asked:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return ask(self.app, "POST", path, raw, {name.replace("_", "-"): value for name, value in headers.items()})

    @property
    def events(self) -> list[Event]:
        return [EVENT_DECODER.decode(record.value) for record in self.publisher.records if record.topic == "events"]

    @property
    def dead_letters(self) -> list[DeadLetter]:
        return [
            DEAD_LETTER_DECODER.decode(record.value)
            for record in self.publisher.records
            if record.topic == "events-dlq"
        ]


def call(message_id: str = "m1", **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "song_played", "anonymousId": "ada", "messageId": message_id, **fields}


def batch(*calls: object, **envelope: Any) -> dict[str, Any]:
    return {"batch": calls, "writeKey": "demo", **envelope}


def basic(user: str) -> str:
    return "Basic " + base64.b64encode(user.encode()).decode()
