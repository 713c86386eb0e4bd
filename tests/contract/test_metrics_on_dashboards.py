"""Panels and alerts ask for metrics that the code declares, in PromQL that parses, of services that are scraped."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
import yaml

import dashboards
from dashboards.build import committed

FOLDER: Final = Path(dashboards.__file__).parent
PACKAGES: Final = ("producers", "stream_processors", "console", "storefront", "runtime")
KINDS: Final = {"Counter": (), "Gauge": (), "Histogram": ("_bucket", "_count", "_sum"), "Summary": ("_count", "_sum")}
BY_PROMETHEUS: Final = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}
"""Prometheus's own, and prometheus-client's for every process."""


def declared() -> dict[str, set[str]]:
    """Names of the series that the code gives Prometheus, with their labels."""
    found: dict[str, set[str]] = {name: {"job", "instance"} for name in BY_PROMETHEUS}
    for package in PACKAGES:
        for path in (FOLDER.parent / package).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text())):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KINDS:
                    match call.args:
                        case [ast.Constant(value=str(name)), ast.Constant(), *rest]:
                            labels = set(ast.literal_eval(rest[0])) if rest else set()
                            for suffix in ("", *KINDS[call.func.id]):
                                found[f"{name}{suffix}"] = labels | {"job", "instance", "le"}
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panel_expressions() -> list[str]:
    return [
        target["expr"]
        for board in committed().values()
        for panel in board["panels"]
        for target in panel.get("targets", [])
        if "expr" in target
    ]


def selectors(node: Any) -> Iterator[promql_parser.VectorSelector]:
    """The series that an expression reads."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for part in ("expr", "lhs", "rhs", "vector_selector", "vs"):
        child = getattr(node, part, None)
        if child is not None and not isinstance(child, str):
            yield from selectors(child)
    for child in getattr(node, "args", None) or []:
        yield from selectors(child)


@pytest.mark.parametrize("expr", [*panel_expressions(), *(rule["expr"] for rule in rules())])
def test_every_expression_reads_series_that_some_service_declares(expr: str) -> None:
    known = declared()
    read = list(selectors(promql_parser.parse(expr)))
    assert read
    for selector in read:
        assert selector.name in known, f"no service declares {selector.name}"
        assert {matcher.name for matcher in selector.matchers.matchers} <= known[selector.name]


def test_the_walk_finds_series_wherever_they_stand() -> None:
    expr = "histogram_quantile(0.9, sum by (le) (rate(a_bucket[1m]))) > 1 and on () (max(b) or c offset 5m)"
    assert [selector.name for selector in selectors(promql_parser.parse(expr))] == ["a_bucket", "b", "c"]


def test_every_alert_says_what_happened_and_what_to_look_at() -> None:
    for rule in rules():
        assert rule["alert"].startswith("Shopstream")
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}
    assert {"ShopstreamProcessingBehind", "ShopstreamNoEvents", "ShopstreamDeadLetters"} <= {
        rule["alert"] for rule in rules()
    }


def test_the_services_that_expressions_name_are_scraped() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
    assert [job["job_name"] for job in config["scrape_configs"]] == [
        "ingest",
        "process",
        "persist",
        "console",
        "storefront",
    ]
