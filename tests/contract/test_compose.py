"""docker-compose.yml agrees with the services' settings, ports and commands, and with the files it mounts."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from psycopg2.extensions import parse_dsn

from runtime.settings import ALL, ConsoleSettings, IngestSettings, PersistSettings, ProcessSettings, StorefrontSettings
from shopstream.commands import services

ROOT: Final = Path(services.__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
PORTS: Final = {
    "ingest": IngestSettings().port,
    "console": ConsoleSettings().port,
    "storefront": StorefrontSettings().port,
    "process": ProcessSettings().port,
    "persist": PersistSettings().port,
}
OURS: Final = (*PORTS, "migrate")
ONE_SHOT: Final = "migrate"


def environment(name: str) -> dict[str, Any]:
    found: dict[str, Any] = SERVICES[name].get("environment", {})
    return found


def test_services_stand_in_hop_order() -> None:
    assert list(SERVICES) == [
        "kafka",
        "postgres",
        "migrate",
        "ingest",
        "process",
        "persist",
        "prometheus",
        "grafana",
        "console",
        "storefront",
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_to_a_version(name: str) -> None:
    tag = SERVICES[name]["image"].rpartition(":")[2]
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?", tag)


def test_our_own_image_has_the_projects_version_and_a_pinned_base() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {SERVICES[name]["image"] for name in OURS} == {f"shopstream:{version}"}
    (base,) = re.findall(r"^FROM (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base)


def test_the_image_holds_every_package_of_the_wheel() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(wheel["packages"]) | {"pyproject.toml", "constraints.txt", "README.md", "LICENSE"} == kept


def test_every_setting_is_one_that_the_services_know() -> None:
    known = {group.variable(field) for group in ALL for field in group.__dataclass_fields__}
    for name in SERVICES:
        ours = {variable for variable in environment(name) if variable.startswith("SHOPSTREAM_")}
        assert ours <= known, ours - known
    assert {"SHOPSTREAM_KAFKA_BROKERS", "SHOPSTREAM_POSTGRES_DSN"} <= environment("persist").keys()


@pytest.mark.parametrize("name", OURS)
def test_a_setting_in_the_env_file_reaches_every_service(name: str) -> None:
    assert SERVICES[name]["env_file"] == [{"path": ".env", "required": False}]


@pytest.mark.parametrize("name", ["migrate", "ingest", "process", "persist", "console"])
def test_the_password_of_postgres_may_have_any_character(name: str) -> None:
    assert environment(name)["PGPASSWORD"] == environment("postgres")["POSTGRES_PASSWORD"]
    assert "password" not in parse_dsn(environment(name)["SHOPSTREAM_POSTGRES_DSN"])


@pytest.mark.parametrize("name", PORTS)
def test_a_service_runs_its_command_and_listens_for_others_on_its_own_port(name: str) -> None:
    service = SERVICES[name]
    assert service["command"] == [name]
    assert callable(getattr(services, name))
    assert environment(name)[f"SHOPSTREAM_{name.upper()}_HOST"] == "0.0.0.0"  # noqa: S104  compared, not bound
    assert environment(name)[f"SHOPSTREAM_{name.upper()}_PORT"] == PORTS[name]
    assert f":{PORTS[name]}/readyz" in " ".join(service["healthcheck"]["test"])


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_to_this_machine_only(name: str) -> None:
    for published in SERVICES[name].get("ports", []):
        address, outside, inside = published.split(":")
        assert (address, outside) == ("127.0.0.1", inside)
        assert int(inside) == PORTS.get(name, int(inside))


@pytest.mark.parametrize("name", [name for name in SERVICES if name != ONE_SHOT])
def test_every_service_that_stays_is_checked_and_restarted(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_it_needs_to_be_ready(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other == ONE_SHOT else "service_healthy"
        assert wait == {"condition": expected}
        assert list(SERVICES).index(other) < list(SERVICES).index(name)


def test_nothing_of_ours_starts_before_schema_and_topics_are_there() -> None:
    assert SERVICES[ONE_SHOT]["depends_on"].keys() == {"kafka", "postgres"}
    for name in ("ingest", "process", "persist", "console"):
        assert ONE_SHOT in SERVICES[name]["depends_on"]


def test_what_is_mounted_exists() -> None:
    for name, service in SERVICES.items():
        for mounted in service.get("volumes", []):
            source = mounted.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{name} mounts {source}"
            else:
                assert source in COMPOSE["volumes"]


def test_prometheus_scrapes_our_services_where_they_listen() -> None:
    for job in yaml.safe_load((ROOT / "dashboards" / "prometheus.yml").read_text())["scrape_configs"]:
        name = job["job_name"]
        targets = [target for found in job.get("static_configs", []) for target in found["targets"]]
        targets += [f"{found['names'][0]}:{found['port']}" for found in job.get("dns_sd_configs", [])]
        assert targets == [f"{name}:{PORTS[name]}"]


def test_pages_reach_ingest_and_the_console_where_browsers_do() -> None:
    told = environment("storefront")
    assert told["SHOPSTREAM_STOREFRONT_INGEST_URL"] == f"http://localhost:{PORTS['ingest']}"
    assert told["SHOPSTREAM_STOREFRONT_CONSOLE_URL"] == f"http://localhost:{PORTS['console']}"
