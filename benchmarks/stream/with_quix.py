"""Quix Streams, as its documentation does it: a StreamingDataFrame of functions, state in RocksDB with a changelog topic."""

import sys

from quixstreams import Application, State

from benchmarks.stream import steps
from contracts.events import Event
from contracts.features import SessionFeatures
from models.visitor import Visitor


def fold(event: Event, state: State) -> list[SessionFeatures]:
    raw = state.get_bytes("visitor")
    visitor = Visitor(event.visitor_id) if raw is None else steps.decode_state(raw)
    features = steps.folded(visitor, event)
    state.set_bytes("visitor", steps.encode_state(visitor))
    return features


def main(is_counting: bool) -> None:
    app = Application(
        broker_address=steps.BROKERS,
        consumer_group=steps.NAME,
        auto_offset_reset="earliest",
        state_dir=f"{steps.FOLDER}/{steps.NAME}",
        loglevel="WARNING",
    )
    events = app.topic(steps.EVENTS, value_deserializer="bytes", key_deserializer="str")
    stream = app.dataframe(events).apply(steps.decode_event)
    if is_counting:
        counter = steps.Counter()
        stream.update(lambda _: counter.add())
    else:
        judge = steps.Judge()
        features = stream.apply(fold, stateful=True, expand=True)
        bytes_out = {"value_serializer": "bytes", "key_serializer": "str"}
        features.apply(steps.encode).to_topic(app.topic(steps.FEATURES, **bytes_out))
        features.apply(lambda each: steps.encode(judge.one(each))).to_topic(app.topic(steps.DECISIONS, **bytes_out))
    app.run()


if __name__ == "__main__":
    main(is_counting="count" in sys.argv)
