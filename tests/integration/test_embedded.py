"""The embedded servers start, serve, and leave nothing behind."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from contracts.topics import EVENTS, TOPICS
from runtime.kafka import TopicMismatch, admin, create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.postgres import postgres_service
from shopstream.ports import free_port
from shopstream.supervise import ServiceFailed


def test_declared_topics_are_created_once(broker: KafkaSettings) -> None:
    client = admin(broker)
    assert {topic.name for topic in TOPICS} <= set(client.list_topics())
    client.close()
    assert create_topics(broker) == []


def test_a_test_gets_an_empty_database(database: str) -> None:
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from information_schema.tables where table_schema = 'public'")
        assert cursor.fetchone() == (0,)
    connection.close()


def test_a_place_where_postgres_cannot_make_its_data_is_named(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "somebody-elses").touch()
    with pytest.raises(ServiceFailed, match=r"cannot make its data in .*: set TMPDIR"):
        postgres_service(tmp_path, tmp_path / "log", free_port())


def test_ctrl_c_at_the_terminal_does_not_break_postgres_data_in_the_making(tmp_path: Path) -> None:
    """The terminal sends it to all that runs in its foreground; we stop in order once the data is made."""
    interrupted = (
        "import os, signal, sys, threading, time; from pathlib import Path; folder = Path(sys.argv[1])\n"
        "from runtime.stopping import stop_on_signals\n"
        "from shopstream.embedded.postgres import postgres_service\n"
        "def interrupt():\n"
        "    while not any(folder.glob('postgres/*')): time.sleep(0.01)\n"
        "    while time.sleep(0.05) is None: os.killpg(0, signal.SIGINT)\n"
        "stop = stop_on_signals(); threading.Thread(target=interrupt, daemon=True).start()\n"
        "postgres_service(folder, folder / 'log', 1)\n"
        "assert stop.wait(10)\n"
    )
    command = [sys.executable, "-c", interrupted, str(tmp_path)]
    ended = subprocess.run(command, start_new_session=True, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr


def test_a_topic_with_another_partition_count_is_refused_in_words(broker: KafkaSettings) -> None:
    wider = replace(EVENTS, partitions=EVENTS.partitions + 1)
    with pytest.raises(TopicMismatch, match="events has 6 partitions and Shopstream needs 7"):
        create_topics(broker, [wider])
