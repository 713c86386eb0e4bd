"""What the sink says about what it has not read."""

import logging
from datetime import UTC, datetime

import pytest

from stream_processors.persist import LAG, MISSED, count_missed, tell_lag
from stream_processors.persist_rows import Record


def record(offset: int, partition: int = 0) -> Record:
    return Record("events", partition, offset, b"{}", datetime(2026, 3, 3, tzinfo=UTC))


def test_lag_is_what_kafka_has_and_postgres_has_not() -> None:
    assert tell_lag({("events", 0): 12, ("events", 1): 3}, {("events", 0): 10, ("events", 1): 3}) == 2
    assert LAG.labels("events", 0)._value.get() == 2


def test_lag_is_never_negative() -> None:
    assert tell_lag({("events", 0): 5}, {("events", 0): 10}) == 0


def test_records_that_kafka_dropped_are_counted_and_said(caplog: pytest.LogCaptureFixture) -> None:
    before = MISSED.labels("events")._value.get()
    with caplog.at_level(logging.ERROR):
        count_missed([record(7), record(8), record(0, partition=1)], {("events", 0): 4, ("events", 1): 0})
    assert MISSED.labels("events")._value.get() == before + 3
    assert "3 records of events/0 are gone" in caplog.text


def test_records_read_again_are_not_missed() -> None:
    before = MISSED.labels("events")._value.get()
    count_missed([record(2), record(3)], {("events", 0): 4})
    assert MISSED.labels("events")._value.get() == before
