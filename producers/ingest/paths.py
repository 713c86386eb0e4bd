"""Where each kind of request comes in; the app answers at these paths, and the OpenAPI document describes them."""

from collections.abc import Mapping
from typing import Final

from producers.ingest.accept import CallType

BATCHES: Final = ("/v1/batch", "/v1/b", "/v1/batch/b", "/batch", "/b", "/beacon/v1/batch", "/v1/import")
SINGLE: Final[Mapping[str, CallType]] = {
    "/v1/track": "track",
    "/v1/t": "track",
    "/v1/page": "page",
    "/v1/p": "page",
    "/v1/screen": "screen",
    "/v1/s": "screen",
    "/v1/identify": "identify",
    "/v1/i": "identify",
    "/v1/group": "group",
    "/v1/g": "group",
    "/v1/alias": "alias",
    "/v1/a": "alias",
}
CALLS: Final[Mapping[str, CallType | None]] = {**dict.fromkeys(BATCHES), **SINGLE}
SHOPIFY: Final = "/v1/shopify"
SNOWPLOW: Final = "/com.snowplowanalytics.snowplow/tp2"
PIXEL: Final = "/i"
GTAG: Final = "/g/collect"
MEASUREMENT: Final = "/mp/collect"
MEASUREMENT_CHECK: Final = "/debug/mp/collect"
TAG_MANAGER: Final = "/v1/ga4"
GOOGLE: Final = frozenset({GTAG, MEASUREMENT, MEASUREMENT_CHECK, TAG_MANAGER})
"""Where Google Analytics comes in, in one of its forms."""
CLIENT_METRICS: Final = "/v1/m"
SNIPPET: Final = "/shopstream.js"
OPENAPI: Final = "/openapi.json"
RUDDERSTACK_SOURCE: Final = "/sourceConfig"
PROJECTS: Final = ("/v1/projects/", "/projects/")
"""Before a write key and `/settings`."""
HEALTH: Final = frozenset({"/livez", "/readyz", "/metrics"})
