"""Puts contracts into Postgres the way they get there in life: through the sink."""

from contextlib import closing
from datetime import UTC, datetime

import msgspec

from contracts.codec import ENCODER
from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.outcomes import Outcome
from contracts.topics import DECISIONS, EVENTS, OUTCOMES, SESSION_FEATURES
from sql.connection import connect
from stream_processors.persist_postgres import PostgresSink
from stream_processors.persist_rows import DECODERS, Record, rows_of

TOPIC = {
    Event: EVENTS.name,
    SessionFeatures: SESSION_FEATURES.name,
    Decision: DECISIONS.name,
    Outcome: OUTCOMES.name,
}


def store(dsn: str, *contracts: msgspec.Struct) -> None:
    """Write all of them, as records of their topics, into a migrated database."""
    with closing(connect(dsn)) as connection:
        sink = PostgresSink(connection, "cluster-1")
        offsets = dict(sink.read_offsets([(topic, 0) for topic in DECODERS]))
        records = []
        for each in contracts:
            topic = TOPIC[type(each)]
            records.append(Record(topic, 0, offsets[topic, 0], ENCODER.encode(each), datetime.now(UTC)))
            offsets[topic, 0] += 1
        sink.write(rows_of(records))
