"""The CloudEvents headers around a record."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import cloud_event_headers
from contracts.topics import EVENTS

ZONES = st.just(UTC) | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(time=st.datetimes(timezones=ZONES) | st.datetimes(timezones=ZONES).map(lambda time: time.replace(microsecond=0)))
def test_the_time_is_written_as_python_writes_it(time: datetime) -> None:
    headers = dict(cloud_event_headers(EVENTS, id="m1", source="/ingest/demo", subject="ada", time=time))
    assert headers["ce_time"] == time.isoformat().encode()
