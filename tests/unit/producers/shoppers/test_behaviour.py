"""Simulated visits repeat exactly, look like a shop's, and can be learned from without giving the answer away."""

import itertools
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from contracts.ids import visitor_id_of
from producers.shoppers.behaviour import persuaded, visits
from producers.shoppers.visit import Visit

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 21.0


@pytest.fixture(scope="module")
def many() -> list[Visit]:
    return list(visits(6_000, seed=7, start=START, days=DAYS))


def test_the_same_seed_gives_the_same_visits() -> None:
    def some(seed: int) -> list[Visit]:
        return list(visits(50, seed=seed, start=START, days=3))

    assert some(1) == some(1)
    assert some(1) != some(2)


def test_as_many_visits_as_asked_for_begin_in_order_within_the_window(many: list[Visit]) -> None:
    beginnings = [visit.started_at for visit in many]
    assert len(many) == 6_000
    assert beginnings == sorted(beginnings)
    assert START <= beginnings[0] <= beginnings[-1] < START + timedelta(days=DAYS)


def test_bounces_carts_and_purchases_are_as_frequent_as_in_a_shop(many: list[Visit]) -> None:
    def share(of: str) -> float:
        return sum(any(act.event == of for act in visit.acts) for visit in many) / len(many)

    bounces = sum(sum(act.type == "page" for act in visit.acts) == 1 for visit in many) / len(many)
    assert 0.35 < bounces < 0.45
    assert 0.03 < share("purchase") < 0.08
    assert share("purchase") < share("begin_checkout") < share("add_to_cart") < 0.3


def test_every_kind_of_shopper_comes_and_hurried_buyers_buy_more_than_browsers(many: list[Visit]) -> None:
    bought: dict[str, list[bool]] = defaultdict(list)
    for visit in many:
        bought[visit.archetype].append(visit.has_purchase)
    assert set(bought) == {"researcher", "hurried buyer", "bargain hunter", "browser", "loyal VIP", "casual"}
    assert np.mean(bought["hurried buyer"]) > 5 * np.mean(bought["browser"])
    assert np.mean(bought["browser"]) > 0


def test_visitors_come_back_after_their_session_has_ended_with_the_same_id(many: list[Visit]) -> None:
    times: dict[str, list[Visit]] = defaultdict(list)
    for visit in many:
        times[visit.visitor_id].append(visit)
    returning = [sequence for sequence in times.values() if len(sequence) > 1]
    assert len(returning) > len(times) / 8
    for sequence in returning:
        for earlier, later in itertools.pairwise(sequence):
            assert later.started_at - earlier.started_at > timedelta(seconds=earlier.duration_s, minutes=30)
            assert later.archetype == earlier.archetype


def test_no_pause_within_a_visit_is_long_enough_to_end_a_session(many: list[Visit]) -> None:
    assert max(act.after_s for visit in many for act in visit.acts) < 600
    assert max(visit.duration_s for visit in many) < 30 * 60


def test_a_purchase_is_of_what_was_in_the_cart(many: list[Visit]) -> None:
    for visit in many:
        cart: Counter[str] = Counter()
        for act in visit.acts:
            items = act.properties.get("items", [])
            if act.event == "add_to_cart":
                cart.update({item["item_id"]: item["quantity"] for item in items})
            elif act.event == "remove_from_cart":
                cart.subtract({item["item_id"]: item["quantity"] for item in items})
            elif act.event == "purchase":
                assert {item["item_id"]: item["quantity"] for item in items} == dict(+cart)
                full = sum(item["price"] * item["quantity"] for item in items)
                assert act.properties["value"] == pytest.approx(full * (0.9 if act.properties.get("coupon") else 1))


def test_behaviour_tells_something_about_buying_but_not_everything(many: list[Visit]) -> None:
    """What was done up to a random moment before any purchase, in event counts, ranks buyers fairly but not perfectly."""
    random = np.random.default_rng(1)
    names = ("page_view", "view_item", "search", "add_to_cart", "remove_from_cart", "view_cart", "begin_checkout")
    rows, labels = [], []
    for visit in many:
        events = [act.event for act in visit.acts]
        end = events.index("purchase") if visit.has_purchase else len(events)
        seen = Counter(events[: random.integers(1, end + 1)])
        rows.append([np.log1p(seen[name]) for name in names])
        labels.append(visit.has_purchase)
    model = LogisticRegression(max_iter=500).fit(rows[:4000], labels[:4000])
    auc = roc_auc_score(labels[4000:], model.predict_proba(rows[4000:])[:, 1])
    assert 0.78 < auc < 0.93


def test_visitor_ids_belong_to_their_secrets(many: list[Visit]) -> None:
    assert all(visit.visitor_id == visitor_id_of(visit.visitor_secret) for visit in many[:100])


def test_who_is_persuaded_buys_what_they_looked_at(many: list[Visit]) -> None:
    visit = next(v for v in many if not v.has_purchase and [a.event for a in v.acts[:3]][1:2] == ["view_item"])
    seen = visit.acts[1].properties["items"][0]["item_id"]
    tail = persuaded(visit, 2, seed=7, coupon="LEAF10")
    assert tail == persuaded(visit, 2, seed=7, coupon="LEAF10")
    purchase = next(act for act in tail if act.event == "purchase")
    assert [item["item_id"] for item in purchase.properties["items"]] == [seen]
    assert purchase.properties["coupon"] == "LEAF10"


def test_nobody_is_persuaded_to_buy_nothing_or_to_buy_twice(many: list[Visit]) -> None:
    on_the_list_page = next(v for v in many if v.acts[1].event == "view_item_list")
    buyer = next(v for v in many if v.has_purchase)
    assert persuaded(on_the_list_page, 2, seed=7) == ()
    assert persuaded(buyer, len(buyer.acts), seed=7) == ()
