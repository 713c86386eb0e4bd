"""How the body of each kind of request is cut into calls, within the limits of one ingest."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import uuid4

from producers.ingest.accept import CallType
from producers.ingest.answers import Refusal
from producers.ingest.bodies import Calls, calls_of
from producers.ingest.ga4 import ga4_calls
from producers.ingest.gtag import gtag_calls
from producers.ingest.measurement import measurement_calls
from producers.ingest.shopify import shopify_calls
from producers.ingest.snowplow import snowplow_calls
from producers.ingest.write_keys import WriteKeys
from runtime.settings import IngestSettings

Read = Callable[[bytes], Calls | Refusal]

_FOREIGN_TIMES: Final = 8
"""How much larger than an event its form in another vocabulary may be: base64, pictures, all that is not taken."""


class Readers:
    """The readers of one ingest."""

    def __init__(self, settings: IngestSettings, new_id: Callable[[], str] = lambda: uuid4().hex) -> None:
        self._new_id = new_id
        self._max_events = settings.max_batch_events
        self._max_bytes = settings.max_event_bytes
        self._max_foreign_bytes = settings.max_event_bytes * _FOREIGN_TIMES

    def calls(self, call_type: CallType | None) -> Read:
        return lambda body: calls_of(body, call_type, self._max_events, self._max_bytes)

    def snowplow(self, body: bytes) -> Calls | Refusal:
        return snowplow_calls(body, self._max_events, self._max_foreign_bytes)

    def shopify(self, body: bytes) -> Calls | Refusal:
        return shopify_calls(body, self._max_events, self._max_foreign_bytes)

    def tag_manager(self, body: bytes) -> Calls | Refusal:
        return ga4_calls(body, self._max_events, self._max_foreign_bytes, self._new_id())

    def gtag(self, query: bytes) -> Read:
        return lambda body: gtag_calls(query, body, self._max_events, self._max_foreign_bytes, self._new_id())

    def measurement(self, query: Mapping[str, list[str]], keys: WriteKeys) -> Read:
        secret, measurement_id = (
            query[name][0] if name in query else None for name in ("api_secret", "measurement_id")
        )
        # A secret that is no write key is Google's: it goes into no answer, log or event.
        name = secret if keys.named(secret) else measurement_id
        return lambda body: measurement_calls(body, name, self._max_events, self._max_foreign_bytes, self._new_id())
