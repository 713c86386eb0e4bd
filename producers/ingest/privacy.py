"""Privacy at the edge: what of a call goes on, by what its visitor allows. `docs/decisions/0008-privacy-at-the-edge.md` says why."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from contracts.codec import ENCODER
from contracts.events import Consent, Context, Event, PrivacySignal, Properties
from contracts.ids import derived_id
from producers.ingest.bots import bot_score_in
from producers.ingest.consent import consent_in, plain
from producers.ingest.context import ContextReader, device_in, merged, user_agent_of
from producers.ingest.daily_ids import DailyIds
from producers.ingest.identity import USER
from producers.ingest.rejections import Unfit
from producers.ingest.scrub import Scrubber, of_a_person, truncated
from producers.ingest.soundness import read_json
from runtime.settings import IngestSettings

NO_BYTES: Final = "its bytes are not kept, because the visitor refuses to be known"
_ALWAYS_ANALYTICS: Final = ("analytics_storage", "analytics_processing_allowed")
"""Google's and Shopify's own names, which no consent dialogue can change: who sets other names for a dialogue still means these."""
_PLACED: Final = re.compile(r"[0-9a-f]{32}-[0-9]{4,}")
_NOTHING: Final = msgspec.Raw(b"{}")
_IDS: Final = frozenset(
    {
        *("messageId", "anonymousId", "userId", "previousId", "groupId", "eid", "duid", "uid", "id", "clientId"),
        *("client_id", "app_instance_id", "user_id"),
    }
)
"""Where calls, Snowplow's, Shopify's and Google Analytics' events have ids."""


class Privacy:
    """The rules of one ingest."""

    def __init__(self, settings: IngestSettings) -> None:
        """Raises `SettingsError`."""
        self._purposes = frozenset(map(plain, (*_ALWAYS_ANALYTICS, *settings.analytics_purposes)))
        self._unless_said: Consent | None = "refused" if settings.require_consent else None
        self._ids = DailyIds(settings.daily_id_secret)
        self._scrubber = Scrubber(settings.drop_fields, settings.drop_query_parameters)
        self.cleaned = self._scrubber.cleaned
        self.context = ContextReader(self._scrubber.url, self._scrubber.cleaned_text).read

    def consent_of(
        self, context: Mapping[str, Any], signals: tuple[PrivacySignal, ...]
    ) -> tuple[Consent | None, tuple[PrivacySignal, ...]]:
        """Whether analytics is allowed and all that says so; the browser's refusal is the last word."""
        told = consent_in(context, self._purposes)
        if told == "refused":
            signals = (*signals, "consent")
        return ("refused" if signals else told or self._unless_said), signals

    def kept(self, event: Event) -> Event:
        """The event as it goes on: without consent it still counts, and belongs to nobody who could be known tomorrow."""
        if event.consent != "refused":
            return self._without_address(event)
        told, seen, day = event.properties, event.context, event.received_at
        order = told.transaction_id and self._ids.of(day, "order", event.write_key, told.transaction_id)
        return replace(
            event,
            message_id=self.message_id(event.write_key, event.message_id),
            visitor_id=self._ids.of(day, event.write_key, event.visitor_id),
            user_id=None,
            properties=Properties(
                currency=told.currency,
                value=told.value,
                transaction_id=order,
                items=tuple([replace(item, coupon=None) for item in told.items]),
                promotion_id=told.promotion_id,
                is_page_view=told.is_page_view,
            ),
            custom=_NOTHING,
            context=Context(
                page_url=seen.page_url and _without_query(seen.page_url),
                page_path=seen.page_path and _without_query(seen.page_path),
                page_referrer=seen.page_referrer and _origin(seen.page_referrer),
                device_type=seen.device_type,
                browser=seen.browser,
                os=seen.os,
                country=seen.country,
                campaign_source=seen.campaign_source,
                campaign_medium=seen.campaign_medium,
                campaign_name=seen.campaign_name,
                library_name=seen.library_name,
                library_version=seen.library_version,
            ),
        )

    def _without_address(self, event: Event) -> Event:
        """A server that knows no better sends the visitor's IP address as the id: it is known until midnight."""
        user_id, visitor_id = event.user_id, event.visitor_id
        if user_id is None and "." not in visitor_id and ":" not in visitor_id:  # nearly always
            return event
        if user_id is not None and _tells_address(user_id):
            event = replace(event, user_id=None)
        visitor_id = self.visitor_id(event.write_key, visitor_id, event.received_at)
        return event if visitor_id == event.visitor_id else replace(event, visitor_id=visitor_id)

    def visitor_id(self, write_key: str, visitor_id: str, received_at: datetime) -> str:
        """The id as it goes on, of one who does not refuse: the day's, where it tells an IP address."""
        is_known = not _tells_address(visitor_id.removeprefix(USER))
        return visitor_id if is_known else self._ids.of(received_at, write_key, visitor_id)

    def message_id(self, write_key: str, message_id: str) -> str:
        """Some SDKs cut message and anonymous ids from the same random numbers. The hash is the same for every retry. Of an id that we gave,
        the place in its request stays: events of one moment have no other order."""
        given, mark, place = message_id.rpartition("-") if _PLACED.fullmatch(message_id) else (message_id, "", "")
        return derived_id("refused", write_key, given) + mark + place

    def kept_bytes(
        self, raw: bytes, batch: Mapping[str, Any], signals: tuple[PrivacySignal, ...], max_bytes: int
    ) -> bytes | None:
        """The bytes of a call that became no event, as they may be kept, at most so many of what came; None when its visitor refuses.
        `batch` is its batch's context."""
        came, raw = raw, raw[:max_bytes]
        try:
            call = read_json(raw)
            own = call.get("context") if isinstance(call, dict) else None
        except Unfit:
            call, own = None, _consent_said(came)
        context = own if isinstance(own, dict) else {}
        consent, _ = self.consent_of(merged(batch, context), signals)
        if consent == "refused":
            return None
        if call is None:
            return self._scrubber.text(raw)
        clean = self.cleaned(call)
        # Of a group, a name is not a person's.
        if isinstance(clean, dict) and isinstance(clean.get("traits"), dict) and not call.get("groupId"):
            clean["traits"] = self.cleaned(of_a_person(clean["traits"]))
        for key in _IDS & clean.keys() if isinstance(clean, dict) else ():
            if isinstance(clean[key], str):  # or what heals would be another's
                clean[key] = truncated(call[key])
        if context:
            clean["context"] = self.kept_context(context)
        return raw if clean == call else ENCODER.encode(clean)

    def kept_context(self, context: Mapping[str, Any], user_agent: str | None = None) -> dict[str, Any]:
        """An SDK's context as a dead letter may keep it: with the device instead of the user agent, which tells it."""
        clean: dict[str, Any] = self.cleaned(dict(context))
        if isinstance(clean.get("traits"), dict):
            clean["traits"] = self.cleaned(of_a_person(clean["traits"]))
        # So that the event it may still become has its device all the same.
        device = device_in(context, user_agent)
        for key, name, value in (
            ("device", "type", device.type),
            ("os", "name", device.os),
            ("browser", "name", device.browser),
        ):
            if value is not None and value != "unknown":
                said = clean.get(key)
                clean[key] = {**said, name: value} if isinstance(said, dict) else {name: value}
            elif user_agent_of(context, None):
                clean.setdefault(key, {})  # its own user agent tells nothing, which goes before what the batch's tells
        if bot_score_in(context, user_agent):
            clean["bot"] = True
        return clean


BY_DEFAULT: Final = Privacy(IngestSettings())
"""For calls that no ingest received, as in replays and tests."""


class _Call(msgspec.Struct):
    context: msgspec.Raw = msgspec.Raw(b"null")


class _Said(msgspec.Struct):
    consent: msgspec.Raw = msgspec.Raw(b"null")
    consentManagement: msgspec.Raw = msgspec.Raw(b"null")


_CALL: Final = msgspec.json.Decoder(_Call)
_SAID: Final = msgspec.json.Decoder(_Said)


def _consent_said(raw: bytes) -> object:
    """What its context says of consent, of a call that is too long, too deep or not UTF-8, and so is not read whole."""
    try:
        said = _SAID.decode(_CALL.decode(raw.decode("utf-8", "replace")).context)
        return {"consent": read_json(said.consent), "consentManagement": read_json(said.consentManagement)}
    except (ValueError, RecursionError):
        return None


def _tells_address(id: str) -> bool:
    return ("." in id or ":" in id) and truncated(id) != id


def _without_query(url: str) -> str:
    return url.partition("?")[0].partition("#")[0]


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.hostname}/" if parts.hostname else None
