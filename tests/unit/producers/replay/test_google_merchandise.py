import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from producers.replay import google_merchandise
from producers.replay.google_files import periods
from producers.replay.google_merchandise import event_name_of
from producers.replay.items import ReplayError
from tests.replay_files import GOOGLE_HITS, HITS, SESSIONS, write_google


def bodies(folder: Path, day: date | None = None) -> list[dict[str, Any]]:
    return [json.loads(item.body) for item in google_merchandise.recording(folder, day).items]


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item.get("event", item["type"]) for item in items]


def test_each_hit_is_one_event_in_event_time_order(tmp_path: Path) -> None:
    assert names(bodies(write_google(tmp_path))) == [
        "page",
        "select_item",
        "view_item",
        "add_to_cart",
        "begin_checkout",
        "add_shipping_info",
        "search",
        "select_promotion",
        "add_payment_info",
        "purchase",
        "purchase",
        "page",
        "remove_from_cart",
    ]


@pytest.mark.parametrize(
    ("hit", "name"),
    [
        ({"type": "E", "action": "0", "event_action": "Onsite Click"}, "click"),
        ({"type": "E", "action": "0", "event_action": "Product Click"}, "select_item"),
        ({"type": "E", "action": "0", "event_action": ""}, "unnamed_interaction"),
        ({"type": "E", "action": "0", "event_action": "Newsletter"}, "Newsletter"),
        ({"type": "P", "action": "5", "step": "7"}, "begin_checkout"),
        ({"type": "P", "action": "8"}, "page_view"),
    ],
)
def test_hits_that_the_sample_seldom_has_get_a_name_too(hit: dict[str, str], name: str) -> None:
    assert event_name_of(hit) == name


def test_event_time_is_the_visits_start_plus_the_hits_milliseconds(tmp_path: Path) -> None:
    first, *_, last = google_merchandise.recording(write_google(tmp_path)).items
    assert first.occurred_at == datetime(2016, 8, 1, 7, 0, tzinfo=UTC)
    assert last.occurred_at == datetime(2016, 8, 2, 7, 1, tzinfo=UTC)
    assert json.loads(first.body)["timestamp"] == "2016-08-01T07:00:00.000Z"


def test_a_purchase_page_that_fires_twice_is_two_events_of_one_transaction(tmp_path: Path) -> None:
    first, second = [item for item in bodies(write_google(tmp_path)) if item.get("event") == "purchase"]
    assert first["messageId"] != second["messageId"]
    assert first["properties"]["transaction_id"] == second["properties"]["transaction_id"] == "ORD1"
    assert first["properties"]["value"] == 41.5
    assert second["properties"]["value"] == 0


def test_items_carry_name_category_unit_price_and_quantity(tmp_path: Path) -> None:
    items = {item["event"]: item["properties"] for item in bodies(write_google(tmp_path)) if "event" in item}
    bag = {"item_id": "BAG1", "item_name": "Sport Bag", "item_category": "Home/Bags/", "price": 20.75}
    assert items["view_item"]["items"] == [bag]
    assert items["view_item"]["is_page_view"] is True
    assert items["add_to_cart"]["items"] == [{**bag, "quantity": 2}]
    assert items["add_to_cart"]["value"] == 41.5
    assert "is_page_view" not in items["add_to_cart"]
    # The line's total on a checkout hit is given back per unit.
    assert items["begin_checkout"]["items"] == [{**bag, "quantity": 2}]
    assert items["remove_from_cart"]["items"] == [{**bag, "quantity": 10_000}]


def test_the_page_the_device_and_the_campaign_travel_as_context(tmp_path: Path) -> None:
    items = {item["messageId"]: item for item in bodies(write_google(tmp_path))}.values()
    contexts = [item["context"] for item in items]
    assert contexts[0]["page"] == {"path": "/home"}
    assert contexts[0]["campaign"] == {"source": "google", "medium": "organic"}
    assert contexts[0]["device"] == {"type": "desktop"}
    assert contexts[5]["page"] == {"path": "/payment.html", "search": "?step=2"}
    assert contexts[6]["page"] == {"path": "/home", "referrer": "https://blog.example/gifts"}
    assert contexts[-1]["campaign"] == {}


def test_totals_of_the_whole_visit_are_never_sent(tmp_path: Path) -> None:
    sent = "".join(json.dumps(item) for item in bodies(write_google(tmp_path)))
    for outcome in ("revenue_usd", "time_on_site", "bounce", "transactions", "is_exit", "pageviews"):
        assert outcome not in sent


def test_a_day_is_the_shops_own(tmp_path: Path) -> None:
    folder = write_google(tmp_path)
    assert names(bodies(folder, date(2016, 8, 2))) == ["page", "remove_from_cart"]
    with pytest.raises(ReplayError, match="no visit on 2016-09-01"):
        google_merchandise.recording(folder, date(2016, 9, 1))


def test_hits_without_a_visit_are_counted_as_skipped(tmp_path: Path) -> None:
    recording = google_merchandise.recording(write_google(tmp_path))
    assert (recording.row_count, recording.skipped_count) == (13, 1)


def test_the_hits_file_stands_for_its_own_period_and_the_folder_for_all(tmp_path: Path) -> None:
    write_google(tmp_path)
    write_google(
        tmp_path,
        "20160803_20160803",
        hits="\n".join(HITS.splitlines()[:3]) + "\n",
        sessions=SESSIONS.replace("1470034800,20160801", "1470222000,20160803"),
    )
    both = bodies(tmp_path)
    later = bodies(tmp_path / "ga360_hits_20160803_20160803.csv.gz")
    assert (len(both), len(later)) == (15, 2)
    # The same numbers in another period's files are other visits.
    assert len({item["messageId"] for item in both}) == 15
    assert both[-2:] == later


@pytest.mark.parametrize(
    "name",
    [
        *("{}.csv.gz", "october_{}.csv.gz", "withheld_ga360_{}_2016.csv.gz", "GA360-{}-2016-10.csv.gz"),
        *("october.{}.csv.gz", "of-october/{}.csv.gz"),
    ],
)
def test_the_files_may_be_named_otherwise(name: str, tmp_path: Path) -> None:
    expected = bodies(write_google(tmp_path))
    for kind in ("hit_products", "products", "hits", "sessions"):
        (found,) = tmp_path.glob(f"ga360_{kind}*.csv.gz")
        (tmp_path / name).parent.mkdir(exist_ok=True)
        found.rename(tmp_path / name.format(kind))
    (tmp_path / "ga360_visit_products_2017.csv.gz").write_bytes(b"totals of whole visits, which are not read")
    assert bodies(tmp_path) == expected


def test_months_in_folders_of_their_own_are_not_mixed_up(tmp_path: Path) -> None:
    for month in ("train", "test"):
        (tmp_path / month).mkdir()
    one, other = write_google(tmp_path / "train"), write_google(tmp_path / "test")
    assert [(each.hits.parent, each.sessions.parent) for each in periods(tmp_path)] == [(other, other), (one, one)]


def test_periods_in_folders_of_their_own_share_the_catalogue_above_them(tmp_path: Path) -> None:
    for month in ("train", "test"):
        (tmp_path / month).mkdir()
        write_google(tmp_path / month)
    alone = bodies(tmp_path / "train")
    (tmp_path / "train" / "ga360_products.csv.gz").rename(tmp_path / "ga360_products.csv.gz")
    assert bodies(tmp_path / "train") == alone
    assert bodies(tmp_path / "train" / GOOGLE_HITS) == alone
    catalogues = {each.hits.parent.name: each.catalogue for each in periods(tmp_path)}
    assert catalogues["train"] == tmp_path / "ga360_products.csv.gz"
    assert catalogues["test"] == tmp_path / "test" / "ga360_products.csv.gz", "its own comes first"


def test_a_file_above_that_is_only_named_like_a_catalogue_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    write_google(tmp_path / "train")
    (tmp_path / "train" / "ga360_products.csv.gz").unlink()
    for text in ("article,price\n7,1.00\n", ""):
        (tmp_path / "products.csv").write_text(text)
        assert [each.catalogue for each in periods(tmp_path / "train")] == [None]


def test_products_of_one_period_are_not_those_of_another(tmp_path: Path) -> None:
    write_google(tmp_path)
    write_google(tmp_path, "20160803_20160803", sessions=SESSIONS.replace("1470034800", "1470222000"))
    (tmp_path / "ga360_hit_products_20160803_20160803.csv.gz").unlink()
    later = bodies(tmp_path / "ga360_hits_20160803_20160803.csv.gz")
    assert later
    assert not any("items" in item["properties"] for item in later)
    assert any("items" in item["properties"] for item in bodies(tmp_path))


def test_columns_may_come_in_another_order_and_optional_files_be_absent(tmp_path: Path) -> None:
    write_google(tmp_path)
    (tmp_path / "ga360_products.csv.gz").unlink()
    (tmp_path / "ga360_hit_products_20160801_20160802.csv.gz").unlink()
    plain = bodies(tmp_path)
    turned = "\n".join(",".join(reversed(line.split(","))) for line in HITS.splitlines()) + "\n"
    write_google(tmp_path, hits=turned)
    assert [item["messageId"] for item in bodies(tmp_path)] == [item["messageId"] for item in plain]
    assert not any("items" in item["properties"] for item in plain)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"no ga360_hits_….csv.gz and no folder with one"):
        google_merchandise.recording(tmp_path)
    write_google(tmp_path, hits=HITS.replace("t_ms", "offset"))
    with pytest.raises(ReplayError, match="no column t_ms"):
        google_merchandise.recording(tmp_path)
    write_google(tmp_path, hits=HITS.replace("0,1,0,P", "0,1,soon,P"))
    with pytest.raises(ReplayError, match="column t_ms holds something that is no whole number"):
        google_merchandise.recording(tmp_path)
    (tmp_path / "ga360_sessions_20160801_20160802.csv.gz").unlink()
    with pytest.raises(ReplayError, match="needs ga360_sessions_20160801_20160802"):
        google_merchandise.recording(tmp_path)


def test_a_start_in_milliseconds_is_said(tmp_path: Path) -> None:
    write_google(tmp_path, sessions=SESSIONS.replace("1470034800", "1470034800000"))
    with pytest.raises(ReplayError, match=r"column start_ts, or t_ms of .*, holds a time that is in no calendar"):
        google_merchandise.recording(tmp_path)


def test_files_of_column_names_alone_tell_of_nothing(tmp_path: Path) -> None:
    write_google(tmp_path, sessions=SESSIONS.splitlines()[0] + "\n", hits=HITS.splitlines()[0] + "\n")
    assert list(google_merchandise.recording(tmp_path, choice=lambda visitor: True).items) == []
