"""A real Prometheus with our configuration: it reaches every service, and every panel and alert gets an answer."""

import contextlib
import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import dashboards
from dashboards.build import committed
from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from shopstream.supervise import Service
from shopstream.supervise import running as running_service
from tests.conftest import skip_unless_ci
from tests.running import Running, running
from tests.waiting import until

FOLDER: Final = Path(dashboards.__file__).parent
UNPACKED: Final = FOLDER.parent / ".shopstream" / "prometheus" / "usr" / "bin" / "prometheus"
SERVICES: Final = ("console", "persist", "process", "ingest", "storefront")
GRAFANAS: Final = {"$__rate_interval": "10s", "$__interval": "1s", "$__range": "5m"}


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, **parameters: str) -> Any:
        """What its API answers. Raises `AssertionError` with its own words when it refuses."""
        try:
            with urllib.request.urlopen(
                f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10
            ) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from error

    def value(self, expr: str) -> float | None:
        found = self.ask("query", query=expr)["result"]
        return float(found[0]["value"][1]) if found else None

    def health(self) -> dict[str, str]:
        return {each["labels"]["job"]: each["health"] for each in self.ask("targets")["activeTargets"]}

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]


def here(configuration: dict[str, Any], urls: dict[str, str]) -> dict[str, Any]:
    """Our configuration with the addresses of this test's services, looked at every second."""
    for job in configuration["scrape_configs"]:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": [urls[job["job_name"]].removeprefix("http://")]}]
    return configuration | {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}}


@contextlib.contextmanager
def prometheus(folder: Path, urls: dict[str, str]) -> Iterator[Prometheus]:
    binary = shutil.which("prometheus") or (str(UNPACKED) if UNPACKED.exists() else None)
    if binary is None:
        skip_unless_ci("no prometheus on PATH; install it to see dashboards and alerts answered")
    configuration = here(yaml.safe_load((FOLDER / "prometheus.yml").read_text()), urls)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    shutil.copy(FOLDER / "alerts.yml", folder)
    address = f"127.0.0.1:{free_port()}"
    asked = Prometheus(f"http://{address}")

    def ready() -> str | None:
        try:
            with urllib.request.urlopen(f"{asked.url}/-/ready", timeout=2):
                return None
        except OSError as error:
            return str(error)

    flags = ("--config.file=prometheus.yml", "--storage.tsdb.path=series", f"--web.listen-address={address}")
    service = Service(
        name="prometheus", command=(binary, *flags), log=folder / "prometheus.log", ready=ready, folder=folder
    )
    with running_service(service, timeout_s=30):
        yield asked


def click(pipeline: Running, visitor_id: str) -> None:
    now = datetime.now(UTC).isoformat()
    page = {"type": "page", "anonymousId": visitor_id, "timestamp": now, "properties": {"path": "/"}}
    body = json.dumps({"batch": [page], "writeKey": "demo", "sentAt": now}).encode()
    with urllib.request.urlopen(f"{pipeline.urls['ingest']}/v1/batch", body, timeout=10) as answer:
        assert answer.status == 200


@pytest.fixture
def watched(tmp_path: Path, broker: KafkaSettings, database: str) -> Iterator[tuple[Running, Prometheus]]:
    with (
        running(broker, database, tmp_path, SERVICES) as pipeline,
        prometheus(tmp_path, dict(pipeline.urls)) as asked,
    ):
        yield pipeline, asked


def test_every_panel_and_alert_is_answered_and_a_service_that_ends_is_told(
    watched: tuple[Running, Prometheus],
) -> None:
    pipeline, asked = watched
    until(lambda: asked.health() == dict.fromkeys(SERVICES, "up"), 30, asked.health)

    def is_seen_on_each_hop() -> bool:
        click(pipeline, "ada")
        hops = [
            "ingest_events_accepted_total",
            "process_events_folded_total",
            "process_decisions_total",
            'persist_rows_total{table="events"}',
        ]
        return all((asked.value(f"sum(rate({series}[10s]))") or 0) > 0 for series in hops)

    until(is_seen_on_each_hop, 60)
    for board in committed().values():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                if expr := target.get("expr"):
                    for variable, value in GRAFANAS.items():
                        expr = expr.replace(variable, value)
                    asked.ask("query", query=expr)
    until(lambda: all(rule["health"] == "ok" for rule in asked.rules()), 20, asked.rules)
    assert [rule["name"] for rule in asked.rules() if rule["state"] != "inactive"] == []

    pipeline.supervisor.stop("persist")
    until(
        lambda: [rule["name"] for rule in asked.rules() if rule["state"] == "pending"] == ["ShopstreamServiceDown"],
        20,
        asked.rules,
    )
