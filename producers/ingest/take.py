"""Hop 2. A request of SDK calls in, records out, answered once Kafka has acknowledged every one of them."""

import functools
import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace
from starlette.types import Receive

from contracts.dead_letters import RequestEnvelope
from contracts.events import Event, PrivacySignal
from contracts.http import BatchAnswer, EventError
from producers.ingest import metrics
from producers.ingest.accept import CallType, event_of_bytes
from producers.ingest.answers import OK, PIXEL, Answer, Refusal, refused, refused_to_snowplow, stored
from producers.ingest.bodies import OVERLOADED, Calls, calls_of, expanded, read_body
from producers.ingest.in_flight import RECORD_BYTES, Hold, InFlight
from producers.ingest.kept_envelope import MAX_CONTEXT_BYTES, kept
from producers.ingest.privacy import Privacy
from producers.ingest.publish import EventPublisher, PublishFailed, Record
from producers.ingest.records import dead_letter_of, dead_letter_record, event_record
from producers.ingest.rejections import Rejection
from producers.ingest.senders import Claims, Senders
from producers.ingest.shopify import shopify_calls
from producers.ingest.snowplow import pixel_body, snowplow_calls
from producers.ingest.write_keys import WriteKey
from runtime.settings import IngestSettings

log = logging.getLogger(__name__)

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_RETRY_S: Final = 1
_FOREIGN_TIMES: Final = 8
"""How much larger than an event its form in another vocabulary may be: base64, pictures, all that is not taken."""
_REFUSED_ALONE: Final = {"unparsable": 400, "too_large": 413}
"""In a batch these are verdicts; a request that is nothing but such a call is refused as a request."""


class Head(msgspec.Struct, frozen=True):
    """What the head of a request says."""

    path: str
    claims: Claims
    user_agent: str | None = None
    traceparent: str | None = None
    address: str | None = None
    """The sender's, as far as trusted proxies tell it."""
    signals: tuple[PrivacySignal, ...] = ()


class _Checked(msgspec.Struct, frozen=True):
    records: list[Record]
    answer: BatchAnswer


class Taker:
    """Takes requests, within a bound of bytes that wait for Kafka."""

    def __init__(
        self,
        settings: IngestSettings,
        senders: Senders,
        publisher: EventPublisher,
        *,
        now: Callable[[], datetime],
        steady: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._privacy = Privacy(settings)
        self._clamp = timedelta(hours=settings.clock_clamp_hours)
        self._senders = senders
        self._publisher = publisher
        self._now = now
        self._steady = steady
        self._in_flight = InFlight(settings.max_inflight_bytes)
        self._is_refusing = False
        self._answers = functools.cache(lambda status: metrics.ANSWERS.labels(status))
        metrics.IN_FLIGHT_BYTES.set_function(lambda: self._in_flight.bytes)

    async def take(self, call_type: CallType | None, head: Head, receive: Receive) -> Answer:
        """Answer one request: a call of `call_type`, or with None a batch. Raises `ClientGone`."""

        def read(body: bytes) -> Calls | Refusal:
            return calls_of(body, call_type, self._settings.max_batch_events, self._settings.max_event_bytes)

        started = self._steady()
        taken = await self._take(read, head, receive, is_alone=call_type is not None)
        return self._counted(refused(taken) if isinstance(taken, Refusal) else stored(taken), started)

    async def take_snowplow(self, head: Head, receive: Receive) -> Answer:
        """Answer a Snowplow tracker's POST."""
        started = self._steady()
        taken = await self._take(self._snowplow_calls, head, receive)
        return self._counted(_snowplow_answer(taken, OK), started)

    async def take_shopify(self, head: Head, receive: Receive) -> Answer:
        """Answer a Shopify web pixel's POST."""
        started = self._steady()
        taken = await self._take(self._shopify_calls, head, receive)
        return self._counted(refused(taken) if isinstance(taken, Refusal) else stored(taken), started)

    async def take_pixel(self, query: Mapping[str, list[str]], head: Head) -> Answer:
        """Answer a Snowplow tracker's GET, whose query is one event."""
        started = self._steady()
        with self._in_flight.hold() as hold:
            body = pixel_body(query)
            taken = await self._store(self._snowplow_calls(body), head, len(body), hold)
        return self._counted(_snowplow_answer(taken, PIXEL), started)

    def _counted(self, answer: Answer, started: float) -> Answer:
        self._answers(answer.status).inc()
        metrics.REQUEST_SECONDS.observe(self._steady() - started)
        return answer

    async def ignore(self, receive: Receive) -> Answer:
        """Answer an SDK's report about itself, which we do not keep."""
        with self._in_flight.hold() as hold:
            body = await read_body(receive, self._settings.max_body_bytes, hold)
        return refused(body) if isinstance(body, Refusal) else stored(BatchAnswer(accepted=0))

    async def _take(
        self, read: Callable[[bytes], Calls | Refusal], head: Head, receive: Receive, *, is_alone: bool = False
    ) -> BatchAnswer | Refusal:
        with self._in_flight.hold() as hold:
            body = await read_body(receive, self._settings.max_body_bytes, hold)
            if not isinstance(body, Refusal):
                body = expanded(body, self._settings.max_body_bytes)
            if isinstance(body, Refusal):
                return body
            return await self._store(read(body), head, len(body), hold, is_alone=is_alone)

    def _snowplow_calls(self, body: bytes) -> Calls | Refusal:
        return snowplow_calls(body, self._settings.max_batch_events, self._settings.max_event_bytes * _FOREIGN_TIMES)

    def _shopify_calls(self, body: bytes) -> Calls | Refusal:
        return shopify_calls(body, self._settings.max_batch_events, self._settings.max_event_bytes * _FOREIGN_TIMES)

    async def _store(
        self, calls: Calls | Refusal, head: Head, size: int, hold: Hold, *, is_alone: bool = False
    ) -> BatchAnswer | Refusal:
        if isinstance(calls, Refusal):
            return calls
        key = self._senders.sender_of(head.claims, calls.write_key)
        if isinstance(key, Refusal):
            return key
        if not hold.keep(size + (RECORD_BYTES + min(calls.context_bytes, MAX_CONTEXT_BYTES)) * len(calls.raw)):
            return OVERLOADED
        wait_s = self._senders.wait_s(key, head.address, len(calls.raw), self._steady())
        if wait_s:
            return Refusal(429, "rate_limited", f"write key {key.name} is over its rate; send again later", wait_s)
        checked = self._check(calls, key, head)
        if is_alone and checked.answer.rejected and checked.answer.errors[0].code in _REFUSED_ALONE:
            error = checked.answer.errors[0]
            return Refusal(_REFUSED_ALONE[error.code], error.code, error.message)
        return await self._publish(checked)

    def _check(self, calls: Calls, key: WriteKey, head: Head) -> _Checked:
        received_at = self._now()
        trace = head.traceparent if head.traceparent and _TRACEPARENT.fullmatch(head.traceparent) else None
        # A page's SDK may leave the user agent to the request; a server's request has the server's own.
        user_agent = head.user_agent if key.kind == "browser" else None
        envelope = replace(calls.envelope, user_agent=user_agent, signals=head.signals)
        records: list[Record] = []
        errors: list[EventError] = []
        envelope_kept: RequestEnvelope | None = None
        for index, raw in enumerate(calls.raw):
            verdict = calls.rejected.get(index) or event_of_bytes(
                raw,
                envelope=envelope,
                write_key=key,
                received_at=received_at,
                max_bytes=self._settings.max_event_bytes,
                clamp=self._clamp,
                privacy=self._privacy,
            )
            match verdict:
                case Event():
                    records.append(event_record(verdict, trace))
                case Rejection():
                    if not errors:
                        envelope_kept = kept(envelope, self._privacy)
                    said = calls.consents.get(index)
                    letter = dead_letter_of(
                        verdict,
                        raw,
                        write_key=key,
                        received_at=received_at,
                        path=head.path,
                        privacy=self._privacy,
                        envelope=envelope if said is None else replace(envelope, context={"consent": said}),
                        kept_envelope=envelope_kept,
                    )
                    records.append(dead_letter_record(letter, trace))
                    errors.append(_error(index, verdict))
        answer = BatchAnswer(accepted=len(records) - len(errors), rejected=len(errors), errors=tuple(errors))
        return _Checked(records, answer)

    async def _publish(self, checked: _Checked) -> BatchAnswer | Refusal:
        try:
            await self._publisher.publish(checked.records)
        except PublishFailed as error:
            if not self._is_refusing:  # said once an outage; /metrics counts the rest
                log.warning("answering 503: %s", error)
            self._is_refusing = True
            return Refusal(503, "kafka_unavailable", "the events could not be stored; send them again later", _RETRY_S)
        if self._is_refusing:
            log.info("Kafka acknowledges again")
        self._is_refusing = False
        metrics.EVENTS_ACCEPTED.inc(checked.answer.accepted)
        for rejected in checked.answer.errors:
            metrics.EVENTS_REJECTED.labels(rejected.code).inc()
        return checked.answer


def _error(index: int, verdict: Rejection) -> EventError:
    return EventError(index=index, message_id=verdict.message_id, code=verdict.code, message=verdict.message)


def _snowplow_answer(taken: BatchAnswer | Refusal, good: Answer) -> Answer:
    return refused_to_snowplow(taken) if isinstance(taken, Refusal) else good
