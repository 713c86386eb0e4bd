"""Shoppers take up incentives sometimes, and a broken tag's events can be told from sound ones."""

from collections import Counter
from random import Random

from producers.shoppers.reactions import broken, incentive_act, reaction_to
from tests.factories import incentive


def test_a_discount_convinces_a_bargain_hunter_more_often_than_a_casual_visitor() -> None:
    random = Random(1)
    hunters = Counter(reaction_to(incentive(), "bargain hunter", random) for _ in range(2_000))
    casuals = Counter(reaction_to(incentive(), "casual", random) for _ in range(2_000))
    assert hunters["accepted"] > 1.3 * casuals["accepted"] > 0
    assert casuals["dismissed"] > 0
    assert casuals["ignored"] > 0


def test_an_incentive_act_names_the_incentive() -> None:
    act = incentive_act("incentive_shown", incentive("i7"), {"page": {"path": "/"}}, after_s=0.1)
    assert (act.event, act.properties["incentive_id"]) == ("incentive_shown", "i7")


def test_a_broken_event_lacks_a_name_or_a_visitor_or_has_the_wrong_type() -> None:
    item = {"type": "track", "event": "view_item", "anonymousId": "v", "messageId": "m1", "properties": {"value": 3}}
    for seed in range(40):
        bad = broken(item, "m2", Random(seed))
        assert bad["messageId"] == "m2"
        assert (
            "event" not in bad
            or "anonymousId" not in bad
            or isinstance(bad["properties"].get("value"), str)
            or isinstance(bad["properties"].get("items"), str)
        )
    assert item["properties"] == {"value": 3}
