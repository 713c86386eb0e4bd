"""Bytewax, as its documentation does it: a dataflow of operators, state as live objects in the worker, no recovery store.

`batch` uses its operators that take what is at hand at once: `stateful_batch` folds all of a visitor's waiting events and tells
their features once, `flat_map_batch` scores with one call of the model. `batch keep` also keeps the state in a recovery store,
as msgpack, so that it survives a crash as ours does.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main
from bytewax.testing import TestingSink

from benchmarks.stream import steps
from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from models.session_features import features_of
from models.visitor import Visitor


def keyed(message: Any) -> tuple[str, Event]:
    return message.key.decode(), steps.decode_event(message.value)


def fold(visitor: Visitor | None, event: Event) -> tuple[Visitor, list[SessionFeatures]]:
    if visitor is None:
        visitor = Visitor(event.visitor_id)
    return visitor, steps.folded(visitor, event)


class FoldBatch(StatefulBatchLogic[Event, SessionFeatures, bytes]):  # type: ignore[misc]  # not installed where mypy runs
    def __init__(self, state: bytes | None) -> None:
        self._visitor = None if state is None else steps.decode_state(state)

    def on_batch(self, values: list[Event]) -> tuple[Iterable[SessionFeatures], bool]:
        visitor = self._visitor = self._visitor or Visitor(values[0].visitor_id)
        changed = {}
        for event in values:
            for session in visitor.observe(event):
                changed[id(session)] = (session, event.message_id)
        kept = {id(session) for session in visitor.sessions}
        told = [pair for key, pair in changed.items() if key in kept]
        return [features_of(visitor, session, caused_by) for session, caused_by in told], StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes:
        return steps.encode_state(self._visitor)


def message(key: str, value: Any) -> KafkaSinkMessage[bytes, bytes]:
    return KafkaSinkMessage(key.encode(), steps.encode(value))


def flow_of(mode: str) -> Dataflow:
    flow = Dataflow("shopstream")
    brokers = steps.BROKERS.split(",")
    stream = op.map("decode", op.input("events", flow, KafkaSource(brokers, [steps.EVENTS], tail=False)), keyed)
    if mode == "count":
        counter = steps.Counter()

        def counted(_: object) -> bool:
            counter.add()
            return False

        op.output("nowhere", op.filter("count", stream, counted), TestingSink([]))
        return flow
    judge = steps.Judge()
    if mode == "batch":
        features = op.stateful_batch("fold", stream, FoldBatch)
    else:
        features = op.stateful_flat_map("fold", stream, fold)
    told = op.map("features", features, lambda pair: message(*pair))
    op.output("to features", told, KafkaSink(brokers, steps.FEATURES))

    def decided(batch: list[tuple[str, SessionFeatures]]) -> list[Decision]:
        return judge.many([each for _, each in batch])

    if mode == "batch":
        decisions = op.flat_map_batch("decide", features, decided)
    else:
        decisions = op.map("decide", features, lambda pair: judge.one(pair[1]))
    out = op.map("decisions", decisions, lambda each: message(each.visitor_id, each))
    op.output("to decisions", out, KafkaSink(brokers, steps.DECISIONS))
    return flow


if __name__ == "__main__":
    modes = sys.argv[1:] or ["record"]
    recovery = None
    if "keep" in modes:
        folder = Path(steps.FOLDER) / steps.NAME
        folder.mkdir()
        init_db_dir(folder, 1)
        recovery = RecoveryConfig(str(folder))
    cli_main(flow_of(modes[0]), recovery_config=recovery)
