"""Expected failures become one sentence; bugs keep their traceback."""

import errno
from importlib import import_module
from pathlib import Path

import psycopg2
import pytest

from runtime.kafka import KafkaUnreachable
from runtime.settings import SettingsError
from shopstream.failures import EXPECTED, FAILED, WRONGLY_CALLED, sentence_of


@pytest.mark.parametrize("name", EXPECTED)
def test_every_expected_failure_exists_and_is_an_exception(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(import_module(module), kind), Exception)


def test_a_wrong_setting_cannot_be_healed_by_starting_again() -> None:
    assert sentence_of(SettingsError("X is not set")) == ("X is not set", WRONGLY_CALLED)
    assert sentence_of(KafkaUnreachable("no broker")) == ("no broker", FAILED)


def test_a_kind_of_an_expected_failure_is_expected() -> None:
    class NoLeader(KafkaUnreachable):
        pass

    assert sentence_of(NoLeader("no leader")) == ("no leader", FAILED)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        (tmp_path / "log.csv").read_text()
    assert sentence_of(missing.value) == (f"{tmp_path / 'log.csv'} does not exist", FAILED)


def test_a_port_in_use_is_not_a_bug() -> None:
    sentence, code = sentence_of(OSError(errno.EADDRINUSE, "Address already in use")) or ("", 0)
    assert "choose another" in sentence
    assert code == FAILED


def test_what_libraries_raise_is_put_into_our_words() -> None:
    away = psycopg2.OperationalError("server closed the connection\n\tunexpectedly")
    assert sentence_of(away) == (
        "Postgres went away: server closed the connection unexpectedly; `shopstream doctor` says what is wrong",
        FAILED,
    )
    no_table = psycopg2.errors.UndefinedTable('relation "sessions" does not exist')
    assert "shopstream migrate" in (sentence_of(no_table) or ("", 0))[0]


def test_a_disk_that_takes_no_more_and_a_file_in_the_way_are_named() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "out.json")
    assert sentence_of(full) == (
        "out.json cannot be written: No space left on device; make room there, or go to another folder",
        FAILED,
    )
    assert "Read-only" in (sentence_of(OSError(errno.EROFS, "Read-only file system", "x")) or ("", 0))[0]
    in_the_way = FileExistsError(errno.EEXIST, "File exists", ".shopstream")
    assert sentence_of(in_the_way) == (".shopstream is in the way; move it elsewhere", FAILED)


def test_an_argument_that_is_no_text_is_not_a_bug() -> None:
    with pytest.raises(UnicodeEncodeError) as refused:
        b"\xff".decode(errors="surrogateescape").encode()
    sentence, code = sentence_of(refused.value) or ("", 0)
    assert "not UTF-8" in sentence
    assert code == WRONGLY_CALLED


def test_a_bug_is_not_hidden() -> None:
    assert sentence_of(KeyError("x")) is None
    assert sentence_of(ValueError("x")) is None
