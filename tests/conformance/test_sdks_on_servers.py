"""The Python and Node SDKs, unmodified: each event is stored once, and no answer makes one ask for ever."""

from pathlib import Path
from typing import Final

import pytest

from tests.conformance.expectations import RETRIED, check
from tests.conformance.front import Fault
from tests.conformance.installed import missing, shop_server
from tests.conformance.runs import FAULTS, Ingest, Run, runs_of
from tests.conftest import skip_unless_ci

DELIVERED: Final[dict[str, frozenset[Fault]]] = {
    "segment-python": RETRIED | {"200"},
    "rudderstack-python": RETRIED | {"200"},
    # Snowplow's trackers repeat a 413 for ever, which is why ingest answers them 400 instead.
    "snowplow-python": RETRIED | {"200"},
    # It raises in the shop's code, which may send again.
    "google-analytics-python": frozenset({"200"}),
    "segment-node": RETRIED | {"200"},
    "rudderstack-node": RETRIED | {"200"},
}
"""SDK → the answers after which its events arrive in the end."""


@pytest.fixture(scope="module", params=list(DELIVERED))
def sdk(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if reason := missing(node=name.endswith("-node")):
        skip_unless_ci(reason)
    return name


@pytest.fixture(scope="module")
def runs(sdk: str, ingest: Ingest, tmp_path_factory: pytest.TempPathFactory) -> dict[Fault, Run]:
    log: Path = tmp_path_factory.mktemp(sdk) / "shop.log"
    runs = runs_of(ingest, lambda urls: shop_server(sdk, urls, log), DELIVERED[sdk])
    print(log.read_text()[-2000:])  # noqa: T201  shown when a test fails
    return runs


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_sdk_stores_each_event_once_or_gives_up(sdk: str, runs: dict[Fault, Run], fault: Fault) -> None:
    check(runs[fault], fault, DELIVERED[sdk])
