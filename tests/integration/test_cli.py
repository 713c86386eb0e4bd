"""Every command that cannot do its work says so in one sentence, and its exit code tells whether trying again helps."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from runtime.settings import KafkaSettings
from shopstream.__main__ import main
from shopstream.ports import free_port
from sql import files
from sql.connection import connect
from sql.migrate import migrate

NOWHERE = f"127.0.0.1:{free_port()}"
AWAY = {
    "SHOPSTREAM_KAFKA_BROKERS": NOWHERE,
    "SHOPSTREAM_POSTGRES_DSN": f"postgresql://shop:secret@{NOWHERE}/shop",
}


def shopstream(
    *arguments: str, folder: Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder of its own, with no settings but those given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
    return subprocess.run(
        [sys.executable, "-m", "shopstream", *arguments],
        cwd=folder,
        env={**clean, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "words"),
    [
        (["topics", "create"], AWAY, 1, f"no Kafka broker answers at {NOWHERE}"),
        (["up"], {"SHOPSTREAM_INGEST_PORT": "many"}, 2, "SHOPSTREAM_INGEST_PORT='many' cannot be read"),
        (
            ["up"],
            {"SHOPSTREAM_INGEST_PORT": "99999"},
            2,
            "SHOPSTREAM_INGEST_PORT='99999' cannot be used; it takes 0 to 65535",
        ),
        (["topics", "create"], {"SHOPSTREAM_KAFKA_PARTITIONS": "0"}, 2, "it takes 1 to"),
        (["up", "--report", "out.json"], {}, 2, "add --shoppers"),
        (["up", "--shoppers", "1", "--report", "no/out.json"], {}, 2, "there is no folder no"),
        (["ingest"], {"SHOPSTREAM_INGEST_PORT": "many"}, 2, "it takes a whole number"),
        (["ingest"], {"SHOPSTREAM_INGEST_WRITE_KEYS_FILE": "keys.toml"}, 2, "SHOPSTREAM_INGEST_WRITE_KEYS_FILE"),
        (["console"], {"SHOPSTREAM_CONSOLE_TOKEN_SECRET": "short"}, 2, "shorter than 32 characters"),
        (["shoppers", "--count", "1", "--url", f"http://{NOWHERE}"], {}, 1, f"nothing answers at {NOWHERE}"),
        (["shoppers", "--url", "ingest"], {}, 2, "is no URL"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_expected_failure_is_one_sentence(
    arguments: list[str], environ: dict[str, str], code: int, words: str, tmp_path: Path
) -> None:
    done = shopstream(*arguments, folder=tmp_path, environ=environ)
    assert_one_sentence(done, code, words)
    assert not (tmp_path / ".shopstream" / "lock").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["migrate"], 1, f"Postgres does not answer at {NOWHERE}/shop"),
        (["explain", "some-session"], 1, f"Postgres does not answer at {NOWHERE}/shop"),
        (["trace", "some-event"], 1, f"Postgres does not answer at {NOWHERE}/shop"),
        (["replay", "log.csv", "--format", "rees46"], 1, "log.csv does not exist"),
        (["replay", "log.csv", "--format", "rees46", "--speed", "fast"], 2, "neither a number nor max"),
        (["replay", "log.csv", "--format", "rees46", "--speed", "inf"], 2, "neither a number nor max"),
        (["replay", "log.csv", "--format", "xml"], 1, "there is no format xml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_so_it_is_for_commands_that_only_ask(
    arguments: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in AWAY.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == code
    told = capsys.readouterr().err
    assert words in told
    assert len(told.strip().splitlines()) == 1
    assert "secret" not in told


def test_the_doctor_names_kafka_postgres_and_every_service_that_is_away(tmp_path: Path) -> None:
    done = shopstream("doctor", folder=tmp_path, environ={**AWAY, **away_from_any_port()})
    assert done.returncode == 1
    assert f"no Kafka broker answers at {NOWHERE}" in done.stdout
    assert f"Postgres does not answer at {NOWHERE}/shop" in done.stdout
    for service in ("ingest", "process", "persist", "console"):
        assert f"shopstream {service}" in done.stdout
    assert "6 problems found" in done.stderr


def test_the_doctor_tells_which_command_repairs_what(tmp_path: Path, database: str, broker: KafkaSettings) -> None:
    here = {"SHOPSTREAM_KAFKA_BROKERS": ",".join(broker.brokers), "SHOPSTREAM_POSTGRES_DSN": database}
    before = shopstream("doctor", folder=tmp_path, environ={**here, **away_from_any_port()})
    assert "shopstream migrate" in before.stdout
    assert shopstream("topics", "create", folder=tmp_path, environ=here).stdout == "all 5 topics are there already\n"
    assert "applied" in shopstream("migrate", folder=tmp_path, environ=here).stdout
    assert shopstream("migrate", folder=tmp_path, environ=here).stdout == "the schema is current already\n"
    after = shopstream("doctor", folder=tmp_path, environ={**here, **away_from_any_port()})
    assert "shopstream migrate" not in after.stdout
    assert "none in the last hour" in after.stdout


def test_what_is_not_in_postgres_is_said_to_be_missing(tmp_path: Path, database: str) -> None:
    here = {"SHOPSTREAM_POSTGRES_DSN": database}
    assert "shopstream migrate" in shopstream("explain", "nobody", folder=tmp_path, environ=here).stderr
    shopstream("migrate", folder=tmp_path, environ=here)
    assert "there is no session nobody" in shopstream("explain", "nobody", folder=tmp_path, environ=here).stderr
    assert "neither stored nor dead-lettered" in shopstream("trace", "none", folder=tmp_path, environ=here).stderr


@pytest.mark.parametrize("command", ["explain", "trace"])
def test_an_id_that_is_no_text_is_refused_in_one_sentence(command: str, tmp_path: Path, database: str) -> None:
    refused = shopstream(command, "\udcff\udcfe", folder=tmp_path, environ={"SHOPSTREAM_POSTGRES_DSN": database})
    assert_one_sentence(refused, 2, "not UTF-8")


def test_a_user_who_may_not_is_told_so(tmp_path: Path, database: str) -> None:
    migrate(database)
    with closing(connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("drop role if exists guest; create role guest login")
    here = {"SHOPSTREAM_POSTGRES_DSN": database.replace("postgres@", "guest@")}
    for command in (["migrate"], ["trace", "some-event"]):
        refused = shopstream(*command, folder=tmp_path, environ=here)
        assert_one_sentence(refused, 1, "permission denied")
    told = shopstream("doctor", folder=tmp_path, environ={**AWAY, **here, **away_from_any_port(), "COLUMNS": "300"})
    assert "it answers and refuses what we ask: permission denied" in told.stdout


def test_half_a_schema_is_told_with_the_command_that_repairs_it(tmp_path: Path, database: str) -> None:
    with closing(connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(files.migrations()["0001_tables"])
    refused = shopstream("trace", "some-event", folder=tmp_path, environ={"SHOPSTREAM_POSTGRES_DSN": database})
    assert_one_sentence(refused, 1, "run `shopstream migrate`")


def test_the_doctor_misses_a_view_and_migrate_brings_it_back(tmp_path: Path, database: str) -> None:
    migrate(database)
    with closing(connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("drop view live_sessions")
    here = {**AWAY, **away_from_any_port(), "SHOPSTREAM_POSTGRES_DSN": database, "COLUMNS": "300"}
    assert "not of this version: live_sessions" in shopstream("doctor", folder=tmp_path, environ=here).stdout
    assert "live_sessions" in shopstream("migrate", folder=tmp_path, environ=here).stdout
    assert "not of this version" not in shopstream("doctor", folder=tmp_path, environ=here).stdout


def test_a_reader_that_leaves_early_causes_no_complaint(tmp_path: Path) -> None:
    command = f"{sys.executable} -m shopstream topics --json | head -1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S602  a pipe is the point
    assert (done.stdout, done.stderr) == ("[\n", "")


def away_from_any_port() -> dict[str, str]:
    """Settings under which no service answers, whatever runs on this machine."""
    services = ("INGEST", "PROCESS", "PERSIST", "CONSOLE", "STOREFRONT")
    return {f"SHOPSTREAM_{service}_PORT": str(free_port()) for service in services}
