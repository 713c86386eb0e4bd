"""`shopstream topics`, for people and for programs."""

import json

import pytest

from contracts.topics import TOPICS
from shopstream.__main__ import main


def test_people_see_every_topic(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["topics"]) == 0
    shown = capsys.readouterr().out
    assert all(topic.name in shown for topic in TOPICS)


def test_programs_get_every_topic_as_declared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["topics", "--json"]) == 0
    told = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert list(told) == [topic.name for topic in TOPICS]
    assert told["events"] == {
        "name": "events",
        "key": "visitor_id",
        "contract": "Event",
        "type": "shopstream.event.v1",
        "partitions": 6,
        "retention_s": 7 * 24 * 3600,
        "dead_letters": "events-dlq",
    }
