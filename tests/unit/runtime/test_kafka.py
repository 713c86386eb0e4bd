"""Topics are made so that what Kafka acknowledged stays, whatever the cluster's defaults are."""

import pytest

from contracts.topics import EVENTS, TOPICS
from runtime.kafka import config_of


def test_a_topic_keeps_every_record_for_its_time() -> None:
    config = config_of(EVENTS, 1)
    assert (config["cleanup.policy"], config["retention.ms"]) == ("delete", str(7 * 24 * 3_600_000))


def test_what_is_made_of_an_event_is_kept_as_long_as_the_event() -> None:
    """Else a sink that was away for some days would store events without their sessions."""
    assert min(TOPICS, key=lambda topic: topic.retention).retention == EVENTS.retention


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, "1"), (2, "1"), (3, "2"), (5, "3")])
def test_of_three_replicas_two_have_what_is_acknowledged(replicas: int, in_sync: str) -> None:
    assert config_of(EVENTS, replicas)["min.insync.replicas"] == in_sync
