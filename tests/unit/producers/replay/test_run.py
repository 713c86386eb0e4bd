from datetime import date
from pathlib import Path

import pytest

from producers.replay.items import ReplayError
from producers.replay.run import FORMATS, run
from tests.replay_files import write_google, write_rees46
from tests.replay_oracles import expected_of_google, expected_of_rees46


@pytest.mark.parametrize(
    ("format", "speed", "words"), [("parquet", None, "no format parquet"), ("rees46", 0, "would never end")]
)
def test_a_wish_that_cannot_be_met_is_refused(tmp_path: Path, format: str, speed: float | None, words: str) -> None:
    with pytest.raises(ReplayError, match=words):
        run(write_rees46(tmp_path), format=format, url="http://127.0.0.1:1", speed=speed)


def test_the_oracles_agree_with_the_formats_on_what_is_an_event(tmp_path: Path) -> None:
    rees46 = write_rees46(tmp_path)
    google = write_google(tmp_path)
    hits, sessions = (google / f"ga360_{kind}_20160801_20160802.csv.gz" for kind in ("hits", "sessions"))
    for expected, recording in (
        (expected_of_rees46(rees46), FORMATS["rees46"](rees46, None)),
        (expected_of_google(hits, sessions), FORMATS["google-merchandise"](google, None)),
        (expected_of_google(hits, sessions, date(2016, 8, 2)), FORMATS["google-merchandise"](google, date(2016, 8, 2))),
    ):
        items = list(recording.items)
        assert len({each.message_id for each in items}) == expected.events
        assert len({each.visitor_id for each in items}) == expected.visitors


def test_the_oracles_cut_sessions_at_pauses_longer_than_half_an_hour(tmp_path: Path) -> None:
    # Visitor 512 pauses exactly half an hour, visitor 511 thirty minutes and a second.
    expected = expected_of_rees46(write_rees46(tmp_path))
    assert (expected.sessions, expected.purchases, expected.revenue) == (3, 2, 1254.81)
    write_google(tmp_path)
    hits, sessions = (tmp_path / f"ga360_{kind}_20160801_20160802.csv.gz" for kind in ("hits", "sessions"))
    told = expected_of_google(hits, sessions)
    assert (told.sessions, told.purchases, told.revenue) == (3, 1, 41.5)
