import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import dashboards
from dashboards.build import DashboardsUnbuildable, build, built, check, committed

PROVISIONING = Path(dashboards.__file__).parent / "provisioning"
BOARDS = committed()


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = board["panels"]
    return found


def test_the_committed_dashboards_are_what_the_code_builds() -> None:
    assert check() == []


def test_a_stale_a_missing_and_an_orphan_dashboard_are_each_named(tmp_path: Path) -> None:
    build(tmp_path)
    assert check(tmp_path) == []
    (tmp_path / "business.json").write_text("{}")
    (tmp_path / "pipeline.json").unlink()
    (tmp_path / "old.json").write_text("{}")
    assert [problem.split(" is ")[1].split(";")[0] for problem in check(tmp_path)] == [
        "not what the code builds",
        "missing",
        "built by nothing",
    ]


def test_building_twice_gives_the_same_text() -> None:
    assert built() == built()


def test_without_the_sdk_building_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk.cog.encoder", None)
    with pytest.raises(DashboardsUnbuildable, match="make setup"):
        built()


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_ids_titles_and_places_of_their_own(name: str) -> None:
    board = panels(BOARDS[name])
    assert len({panel["id"] for panel in board}) == len(board)
    assert all(panel["title"] for panel in board)
    for one, other in itertools.combinations((panel["gridPos"] for panel in board), 2):
        apart_across = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_down = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_across or apart_down, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in board)


@pytest.mark.parametrize("name", BOARDS)
def test_each_query_of_a_panel_has_a_letter_of_its_own(name: str) -> None:
    for panel in panels(BOARDS[name]):
        letters = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(letters)) == len(letters), panel["title"]


def test_panels_ask_the_data_sources_that_are_provisioned() -> None:
    provisioned = yaml.safe_load((PROVISIONING / "datasources" / "shopstream.yml").read_text())["datasources"]
    asked = {
        (target["datasource"]["type"], target["datasource"]["uid"])
        for board in BOARDS.values()
        for panel in panels(board)
        for target in panel.get("targets", [])
    }
    assert asked == {(source["type"], source["uid"]) for source in provisioned}


def test_dashboards_are_told_apart_by_uid() -> None:
    assert {board["uid"] for board in BOARDS.values()} == {
        "shopstream-business",
        "shopstream-models",
        "shopstream-pipeline",
    }
