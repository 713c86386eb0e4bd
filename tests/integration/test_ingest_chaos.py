"""Two of the faults of `make chaos`: what was acknowledged is in Postgres once, and each visitor's events in order."""

from pathlib import Path

import pytest

from tests.apache_kafka.server import missing
from tests.chaos.ingest import FAULTS, matrix
from tests.conftest import skip_unless_ci


@pytest.mark.timeout(400)
def test_a_frozen_broker_and_a_killed_ingest_lose_nothing(database: str, tmp_path: Path) -> None:
    if (reason := missing()) is not None:
        skip_unless_ci(reason)
    chosen = [fault for fault in FAULTS if fault.name in ("SIGSTOP of the broker", "SIGKILL of ingest")]
    outcomes = matrix(chosen, tmp_path, database)
    assert len(outcomes) == 2
    for outcome in outcomes:
        assert outcome.is_good, outcome
        assert outcome.acknowledged > 500
    killed, frozen = outcomes
    assert killed.refusals > 0
    assert frozen.first_acknowledged_s is not None
    assert frozen.first_acknowledged_s < 5, "the spool takes over long before the broker is back"
