"""Logs as examples: the log's own visits are counted, totals of a visit never read, and the number of processes cannot be seen."""

from pathlib import Path

import msgspec
import pytest

from contracts.codec import ENCODER
from producers.replay.items import ReplayError
from runtime.recordings import Part, Record, write_recording
from shopstream.event_logs import table_from
from tests.factories import event
from tests.replay_files import SESSIONS, write_google, write_rees46


def test_each_hit_of_a_visit_is_an_example_until_it_buys(tmp_path: Path) -> None:
    table = table_from(write_google(tmp_path), "google-merchandise", workers=1)
    bought = sorted(table.length[table.buys_later].tolist())
    assert bought == [1, 2, 3, 4, 5, 6, 8], "lengths 1 to 6 come before the purchase, 8 before its page fires again"
    assert table.visit_has_bought.sum() == 1
    assert len(set(table.visitor.tolist())) == 2


def test_two_processes_give_the_table_of_one(tmp_path: Path) -> None:
    folder = write_google(tmp_path)
    told: list[tuple[int, int]] = []
    one = table_from(folder, "google-merchandise", workers=1)
    two = table_from(folder, "google-merchandise", lambda done, total: told.append((done, total)), workers=2)
    assert one.digest() == two.digest()
    assert told[-1] == (13, 13)


def test_the_same_number_in_another_periods_file_is_another_visit(tmp_path: Path) -> None:
    write_google(tmp_path)
    later = SESSIONS.replace("0,7,2,1470034800", "0,7,4,1470222000").replace("20160801", "20160803")
    write_google(tmp_path, "20160803_20160803", sessions=later)
    table = table_from(tmp_path, "google-merchandise", workers=1)
    assert (table.length == 1).sum() == 4, "its other two visits are told twice and are the same"


def test_a_row_told_twice_is_one_event(tmp_path: Path) -> None:
    table = table_from(write_rees46(tmp_path), "rees46", workers=1)
    assert table.length.max() == 4


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    assert len(table_from(write_rees46(tmp_path).parent, "rees46", workers=1)) == len(
        table_from(write_rees46(tmp_path), "rees46", workers=1)
    )
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReplayError, match=r"has no \.csv"):
        table_from(tmp_path / "empty", "rees46", workers=1)


def test_an_unknown_format_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="google-merchandise, rees46, dmm, own"):
        table_from(tmp_path, "csv")


def test_a_missing_log_is_said_in_a_sentence_by_a_process_too(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="does not exist"):
        table_from(tmp_path / "none.csv", "rees46", workers=2)


def test_a_time_of_the_first_or_the_last_day_there_is_teaches_nothing(tmp_path: Path) -> None:
    moments = ("0001-01-01T00:00:00Z", "2026-03-01T12:00:00Z", "9999-12-31T23:30:00Z", "9999-12-31T23:40:00Z")
    lines = [
        f'{{"type":"page","anonymousId":"ada","messageId":"m{number}","timestamp":"{moment}"}}'
        for number, moment in enumerate(moments)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    assert len(table_from(tmp_path / "log.jsonl", "own", workers=1)) == 1


@pytest.mark.parametrize("custom", [b"[]", b"null", b'{"ga_hit":"first"}'])
def test_custom_parameters_that_tell_of_no_visit_are_passed_over(tmp_path: Path, custom: bytes) -> None:
    odd = ENCODER.encode(msgspec.structs.replace(event(), custom=msgspec.Raw(custom)))
    told = Part("events", 0, 0, 0, [Record(0, 1, b"ada", odd, [])])
    write_recording(tmp_path / "r.gz", [{"events": told}])
    assert len(table_from(tmp_path / "r.gz", "recorded", workers=1)) == 1
