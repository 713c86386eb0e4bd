"""What ingest counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

EVENTS_ACCEPTED: Final = Counter(
    "ingest_events_accepted_total", "Events stored for topic events: by Kafka, or by the spool while Kafka is away."
)
EVENTS_REJECTED: Final = Counter(
    "ingest_events_rejected_total", "Events stored for topic events-dlq, by Kafka or by the spool, by reason.", ["code"]
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
IN_FLIGHT_BYTES: Final = Gauge(
    "ingest_in_flight_bytes", "Bytes of requests that wait for Kafka's acknowledgement, or the spool's."
)
KEY_DISAGREEMENTS: Final = Counter(
    "ingest_write_key_disagreements_total", "Requests whose header and body named different write keys."
)
KAFKA_UP: Final = Gauge("ingest_kafka_up", "1 when Kafka acknowledged what it was last sent, else 0.")
KAFKA_SECONDS: Final = Histogram(
    "ingest_kafka_seconds",
    "From a batch's first record being handed to the producer to Kafka's acknowledgement of the batch.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
SPOOL_BYTES: Final = Gauge("ingest_spool_bytes", "Bytes in the spool.")
SPOOL_EVENTS: Final = Gauge("ingest_spool_events", "Events and dead letters that wait in the spool for Kafka.")
SPOOL_OLDEST_SECONDS: Final = Gauge("ingest_spool_oldest_seconds", "Age of the oldest of them; 0 when none waits.")
SPOOL_KEPT_FILES: Final = Gauge(
    "ingest_spool_kept_files",
    "Files of the spool that wait for people: damaged, or with records that Kafka never takes.",
)
SPOOL_RECORDS: Final = Counter(
    "ingest_spool_records_total", "Events and dead letters that went into the spool and out of it.", ["state"]
)
