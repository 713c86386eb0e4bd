"""What senders post to ingest: SDK calls in Segment's form, Snowplow's payloads, Shopify's and Google Analytics' events.

For the OpenAPI document. Ingest reads more than this: what does not fit is a verdict on one event, never a failed batch.
"""

from typing import Annotated, Any, Literal

import msgspec

CallType = Literal["track", "page", "screen", "identify", "group", "alias"]

Id = Annotated[str, msgspec.Meta(max_length=128)] | int | None
Time = str | float | None
"""ISO 8601, or seconds or milliseconds since 1970."""
Object = dict[str, Any] | None


class Call(msgspec.Struct, kw_only=True, rename="camel"):
    """One call of an SDK. One of `anonymousId` and `userId` is needed; null and an empty text are absent. Unknown keys are kept."""

    event: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    """What happened, in the words of GA4, Segment or Shopify, or the shop's own. Required in a `track` call."""
    message_id: Id = None
    """The same id twice is the same event. Derived from the call when there is none."""
    anonymous_id: Id = None
    user_id: Id = None
    group_id: Id = None
    previous_id: Id = None
    properties: Object = None
    traits: Object = None
    context: Object = None
    """Page, campaign, library, userAgent, locale, timezone, consent, …"""
    timestamp: Time = None
    """When it happened, by the sender's clock."""
    original_timestamp: Time = None
    sent_at: Time = None
    """When it was sent, by the same clock; the difference repairs a wrong one."""
    write_key: str | None = None


class BatchCall(Call, kw_only=True, rename="camel"):
    """One call of a batch, which says its type itself."""

    type: CallType


class Batch(msgspec.Struct, kw_only=True, rename="camel"):
    """Several calls, and what holds for all of them."""

    batch: list[BatchCall]
    write_key: str | None = None
    context: Object = None
    sent_at: Time = None
    timestamp: Time = None


class SnowplowPayload(msgspec.Struct, kw_only=True):
    """Snowplow's `payload_data`: events of the tracker protocol, all values texts."""

    data: list[dict[str, str]]
    schema: str = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"


class ShopifyEvent(msgspec.Struct, kw_only=True, rename="camel"):
    """An event as Shopify's `analytics.subscribe` gives it to a web pixel, with what the pixel adds."""

    name: Annotated[str, msgspec.Meta(max_length=128)]
    client_id: Id
    id: Id = None
    timestamp: Time = None
    data: Object = None
    custom_data: Object = None
    context: Object = None
    customer_privacy: dict[str, bool] | None = None
    """Added by the pixel: what the shop's consent banner knows."""
    sent_at: Time = None
    """Added by the pixel."""


class GoogleEvent(msgspec.Struct, kw_only=True):
    """Common event data of server-side Tag Manager. Parameters of the event stand beside these; Google's own begin with `x-ga-`."""

    event_name: Annotated[str, msgspec.Meta(max_length=128)]
    client_id: Id = None
    user_id: Id = None
    page_location: str | None = None
    page_referrer: str | None = None
    page_title: str | None = None
    user_agent: str | None = None
    language: str | None = None
    screen_resolution: str | None = None
    ga_session_id: str | int | None = None
    ga_session_number: int | None = None
    engagement_time_msec: float | None = None
    currency: str | None = None
    value: float | None = None
    transaction_id: str | None = None
    items: list[dict[str, Any]] | None = None


class MeasurementEvent(msgspec.Struct, kw_only=True):
    """One event of the Measurement Protocol."""

    name: Annotated[str, msgspec.Meta(max_length=128)]
    params: Object = None
    """`session_id`, `engagement_time_msec`, `currency`, `value`, `items`, …"""
    timestamp_micros: int | None = None
    """When it happened, microseconds since 1970; that of the body when there is none."""


class MeasurementPayload(msgspec.Struct, kw_only=True):
    """The body of Google's Measurement Protocol. One of `client_id`, `app_instance_id` and `user_id` is needed."""

    events: list[MeasurementEvent]
    client_id: Id = None
    app_instance_id: Id = None
    user_id: Id = None
    timestamp_micros: int | None = None
    user_properties: Object = None
    consent: Object = None


class SegmentSettings(msgspec.Struct, kw_only=True):
    """What analytics.js fetches before it sends: one integration, this ingest."""

    integrations: dict[str, dict[str, str]]
    metrics: dict[str, int]


class RudderStackSource(msgspec.Struct, kw_only=True):
    """What RudderStack's JS SDK fetches before it sends: an enabled source without destinations."""

    source: dict[str, Any]
