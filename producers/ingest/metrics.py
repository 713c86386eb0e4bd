"""What ingest counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

EVENTS_ACCEPTED: Final = Counter("ingest_events_accepted_total", "Events acknowledged by Kafka on topic events.")
EVENTS_REJECTED: Final = Counter(
    "ingest_events_rejected_total", "Events acknowledged by Kafka on topic events-dlq, by reason.", ["code"]
)
ANSWERS: Final = Counter("ingest_answers_total", "Answers to SDK calls, by HTTP status.", ["status"])
CONNECTIONS: Final = Gauge("ingest_connections", "Open HTTP connections.")
CONNECTIONS_REFUSED: Final = Counter(
    "ingest_connections_refused_total",
    "Connections closed by ingest before a request was whole, by reason.",
    ["reason"],
)
WRITE_KEYS_LOADED: Final = Counter(
    "ingest_write_keys_loaded_total", "Times that the file of write keys was read again and its keys were taken over."
)
WRITE_KEYS_BROKEN: Final = Gauge(
    "ingest_write_keys_broken", "1 while the file of write keys cannot be used and the keys read before are kept."
)
REQUEST_SECONDS: Final = Histogram(
    "ingest_request_seconds",
    "From the first byte of an SDK call's request to its answer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
IN_FLIGHT_BYTES: Final = Gauge("ingest_in_flight_bytes", "Bytes of requests that wait for Kafka's acknowledgement.")
KEY_DISAGREEMENTS: Final = Counter(
    "ingest_write_key_disagreements_total", "Requests whose header and body named different write keys."
)
