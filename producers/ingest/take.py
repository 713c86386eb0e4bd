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
from producers.ingest.answers import (
    NO_CONTENT,
    OK,
    PIXEL,
    Answer,
    Refusal,
    checked,
    refused,
    refused_to_snowplow,
    stored,
)
from producers.ingest.bodies import OVERLOADED, Calls, expanded, read_body
from producers.ingest.in_flight import RECORD_BYTES, Hold, InFlight
from producers.ingest.kept_envelope import MAX_CONTEXT_BYTES, kept
from producers.ingest.measurement import validated
from producers.ingest.privacy import Privacy
from producers.ingest.publish import EventPublisher, PublishFailed, Record
from producers.ingest.readers import Read, Readers
from producers.ingest.records import dead_letter_of, dead_letter_record, event_record
from producers.ingest.rejections import Rejection
from producers.ingest.senders import Claims, Senders
from producers.ingest.snowplow import pixel_body
from producers.ingest.write_keys import WriteKey
from runtime.settings import IngestSettings

Query = Mapping[str, list[str]]

log = logging.getLogger(__name__)

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_RETRY_S: Final = 1
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
        self._readers = Readers(settings)
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
        """Answer one request: a call of `call_type`, or with None a batch. Raises `ClientGone`, as all of these."""
        is_alone = call_type is not None
        return await self._taken(self._readers.calls(call_type), head, receive, good=stored, is_alone=is_alone)

    async def take_snowplow(self, head: Head, receive: Receive) -> Answer:
        """Answer a Snowplow tracker's POST."""
        return await self._taken(self._readers.snowplow, head, receive, good=lambda _: OK, bad=refused_to_snowplow)

    async def take_shopify(self, head: Head, receive: Receive) -> Answer:
        """Answer a Shopify web pixel's POST."""
        return await self._taken(self._readers.shopify, head, receive, good=stored)

    async def take_tag_manager(self, head: Head, receive: Receive) -> Answer:
        """Answer a POST of server-side Tag Manager."""
        return await self._taken(self._readers.tag_manager, head, receive, good=stored)

    async def take_gtag(self, query: bytes, head: Head, receive: Receive) -> Answer:
        """Answer a POST of gtag.js."""
        return await self._taken(self._readers.gtag(query), head, receive, good=lambda _: NO_CONTENT)

    async def take_gtag_pixel(self, query: bytes, head: Head) -> Answer:
        """Answer a GET of gtag.js, whose query is one event."""
        return await self._taken_from_query(self._readers.gtag(query)(b""), head, len(query), good=NO_CONTENT)

    async def take_pixel(self, query: Query, head: Head) -> Answer:
        """Answer a Snowplow tracker's GET, whose query is one event."""
        body = pixel_body(query)
        calls = self._readers.snowplow(body)
        return await self._taken_from_query(calls, head, len(body), good=PIXEL, bad=refused_to_snowplow)

    async def take_measurement(self, query: Query, head: Head, receive: Receive) -> Answer:
        """Answer a POST of Google's Measurement Protocol."""
        read = self._readers.measurement(query, self._senders.keys)
        return await self._taken(read, head, receive, good=lambda _: NO_CONTENT)

    async def check_measurement(self, query: Query, head: Head, receive: Receive) -> Answer:
        """Say what the same would be answered, and store nothing."""
        started = self._steady()
        read = self._readers.measurement(query, self._senders.keys)
        with self._in_flight.hold() as hold:
            body = await self._body(receive, hold)
            if isinstance(body, Refusal):
                return self._counted(refused(body), started)
            calls = read(body)
            if isinstance(calls, Refusal) and calls.status == 400:
                return self._counted(checked(validated(calls)), started)
            found = self._admitted(calls, head, len(body), hold)
        answer = refused(found) if isinstance(found, Refusal) else checked(validated(found.answer))
        return self._counted(answer, started)

    async def _taken(
        self,
        read: Read,
        head: Head,
        receive: Receive,
        *,
        good: Callable[[BatchAnswer], Answer],
        bad: Callable[[Refusal], Answer] = refused,
        is_alone: bool = False,
    ) -> Answer:
        """Read, check and store what a body says."""
        started = self._steady()
        with self._in_flight.hold() as hold:
            taken: BatchAnswer | Refusal
            body = await self._body(receive, hold)
            if isinstance(body, Refusal):
                taken = body
            else:
                taken = await self._store(read(body), head, len(body), hold, is_alone=is_alone)
        return self._counted(bad(taken) if isinstance(taken, Refusal) else good(taken), started)

    async def _taken_from_query(
        self,
        calls: Calls | Refusal,
        head: Head,
        size: int,
        *,
        good: Answer,
        bad: Callable[[Refusal], Answer] = refused,
    ) -> Answer:
        started = self._steady()
        with self._in_flight.hold() as hold:
            taken = await self._store(calls, head, size, hold)
        return self._counted(bad(taken) if isinstance(taken, Refusal) else good, started)

    def _counted(self, answer: Answer, started: float) -> Answer:
        self._answers(answer.status).inc()
        metrics.REQUEST_SECONDS.observe(self._steady() - started)
        return answer

    async def ignore(self, receive: Receive) -> Answer:
        """Answer an SDK's report about itself, which we do not keep."""
        with self._in_flight.hold() as hold:
            body = await read_body(receive, self._settings.max_body_bytes, hold)
        return refused(body) if isinstance(body, Refusal) else stored(BatchAnswer(accepted=0))

    async def _body(self, receive: Receive, hold: Hold) -> bytes | Refusal:
        body = await read_body(receive, self._settings.max_body_bytes, hold)
        return body if isinstance(body, Refusal) else expanded(body, self._settings.max_body_bytes)

    async def _store(
        self, calls: Calls | Refusal, head: Head, size: int, hold: Hold, *, is_alone: bool = False
    ) -> BatchAnswer | Refusal:
        found = self._admitted(calls, head, size, hold)
        if isinstance(found, Refusal):
            return found
        if is_alone and found.answer.rejected and found.answer.errors[0].code in _REFUSED_ALONE:
            error = found.answer.errors[0]
            return Refusal(_REFUSED_ALONE[error.code], error.code, error.message)
        return await self._publish(found)

    def _admitted(self, calls: Calls | Refusal, head: Head, size: int, hold: Hold) -> _Checked | Refusal:
        """The calls checked, when their sender may send them here and now."""
        if isinstance(calls, Refusal):
            return calls
        key = self._senders.sender_of(head.claims, calls.write_key, calls.measurement_id)
        if isinstance(key, Refusal):
            return key
        if not hold.keep(size + (RECORD_BYTES + min(calls.context_bytes, MAX_CONTEXT_BYTES)) * len(calls.raw)):
            return OVERLOADED
        wait_s = self._senders.wait_s(key, head.address, len(calls.raw), self._steady())
        if wait_s:
            return Refusal(429, "rate_limited", f"write key {key.name} is over its rate; send again later", wait_s)
        return self._check(calls, key, head)

    def _check(self, calls: Calls, key: WriteKey, head: Head) -> _Checked:
        received_at = self._now()
        trace = head.traceparent if head.traceparent and _TRACEPARENT.fullmatch(head.traceparent) else None
        # A page's SDK may leave the user agent to the request; a server's request has the server's own.
        user_agent = head.user_agent if key.kind == "browser" and not calls.is_of_program else None
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
                max_bytes=self._settings.max_event_bytes * calls.times,
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

    async def _publish(self, found: _Checked) -> BatchAnswer | Refusal:
        try:
            await self._publisher.publish(found.records)
        except PublishFailed as error:
            if not self._is_refusing:  # said once an outage; /metrics counts the rest
                log.warning("answering 503: %s", error)
            self._is_refusing = True
            return Refusal(503, "kafka_unavailable", "the events could not be stored; send them again later", _RETRY_S)
        if self._is_refusing:
            log.info("Kafka acknowledges again")
        self._is_refusing = False
        metrics.EVENTS_ACCEPTED.inc(found.answer.accepted)
        for rejected in found.answer.errors:
            metrics.EVENTS_REJECTED.labels(rejected.code).inc()
        return found.answer


def _error(index: int, verdict: Rejection) -> EventError:
    return EventError(index=index, message_id=verdict.message_id, code=verdict.code, message=verdict.message)
