"""Servers that tests share: an embedded broker and an embedded Postgres for the whole run, a fresh database a test."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import psycopg2
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from playwright.sync_api import Browser, expect, sync_playwright

from runtime.kafka import create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import embedded_broker
from shopstream.embedded.postgres import embedded_postgres
from tests.apache_kafka.server import apache_kafka
from tests.apache_kafka.server import missing as apache_kafka_missing

# How long an example takes is the machine's affair.
hypothesis.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("any machine")

CHROMIUM_ARGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """DSN of a running Postgres, shared by the run."""
    # Not in pytest's own folder: every pytest that starts closes that one to Postgres's user, also while we run.
    with tempfile.TemporaryDirectory(prefix="shopstream-tests-") as folder, embedded_postgres(Path(folder)) as dsn:
        yield dsn


@pytest.fixture
def database(postgres_server: str) -> Iterator[str]:
    """DSN of an empty database of this test's own."""
    name = f"test_{secrets.token_hex(6)}"
    connection = psycopg2.connect(postgres_server)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"create database {name}")
    yield postgres_server.rsplit("/", 1)[0] + f"/{name}"
    with connection.cursor() as cursor:
        cursor.execute(f"drop database {name} with (force)")
    connection.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaSettings]:
    """An embedded broker of this test's own, with the declared topics."""
    with embedded_broker(tmp_path) as address:
        settings = KafkaSettings(brokers=(address,))
        create_topics(settings)
        yield settings


@pytest.fixture(params=["embedded", "apache-kafka"])
def either_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KafkaSettings]:
    """The test runs twice: on an embedded broker and on a real Apache Kafka, each with the declared topics."""
    if request.param == "apache-kafka" and (reason := apache_kafka_missing()):
        skip_unless_ci(reason)
    server = embedded_broker if request.param == "embedded" else apache_kafka
    with server(tmp_path) as address:
        settings = KafkaSettings(brokers=(address,))
        create_topics(settings)
        yield settings


def skip_unless_ci(reason: str) -> NoReturn:
    """Skip the test because this machine lacks something; in CI nothing may be lacking, and it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks something: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: Playwright's synchronous API cannot be started twice at a time."""
    executable = shutil.which("chromium")
    if executable is None:
        skip_unless_ci("no chromium on PATH; install it to run the browser tests")
    expect.set_options(timeout=30_000)  # a busy machine is no failure
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()
