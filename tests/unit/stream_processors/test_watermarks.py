"""A source's watermark is its newest event time, and goes on with our clock while the source is silent."""

from datetime import UTC, datetime, timedelta

from stream_processors.watermarks import Watermarks

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
YEARS_AGO = datetime(2016, 8, 1, tzinfo=UTC)


def test_a_source_that_never_sent_has_no_watermark() -> None:
    assert Watermarks().at(0, "demo", now=NOW) is None


def test_an_older_event_does_not_take_it_back() -> None:
    marks = Watermarks()
    marks.observe(0, "demo", NOW, now=NOW)
    marks.observe(0, "demo", NOW - timedelta(hours=1), now=NOW)
    assert marks.at(0, "demo", now=NOW) == NOW


def test_nor_does_an_older_event_stop_the_clock_of_a_quiet_shop() -> None:
    """A page that was offline tells its hours at night: they are no reason to wait longer for the end of later sessions."""
    marks = Watermarks()
    marks.observe(0, "demo", NOW, now=NOW)
    marks.observe(0, "demo", NOW - timedelta(hours=5), now=NOW + timedelta(minutes=29))
    assert marks.at(0, "demo", now=NOW + timedelta(minutes=31)) == NOW + timedelta(minutes=31)


def test_silence_moves_event_time_on_with_our_clock() -> None:
    marks = Watermarks()
    marks.observe(0, "history", YEARS_AGO, now=NOW)
    assert marks.at(0, "history", now=NOW + timedelta(minutes=31)) == YEARS_AGO + timedelta(minutes=31)


def test_a_replay_and_live_traffic_do_not_disturb_each_other() -> None:
    marks = Watermarks()
    marks.observe(0, "demo", NOW, now=NOW)
    marks.observe(0, "history", YEARS_AGO, now=NOW)
    assert marks.at(0, "history", now=NOW) == YEARS_AGO
    assert marks.at(0, "demo", now=NOW) == NOW
