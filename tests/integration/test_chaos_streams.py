"""The chaos matrix of the streams in short: two of its faults. `make chaos` runs all of them."""

from pathlib import Path

import pytest

from tests.apache_kafka.server import missing
from tests.chaos.streams import run
from tests.conftest import skip_unless_ci


@pytest.mark.timeout(400)
def test_after_a_killed_worker_and_a_killed_sink_postgres_equals_the_reference(tmp_path: Path) -> None:
    if reason := missing():
        skip_unless_ci(reason)
    assert run(["sigkill-worker", "sink-killed"], tmp_path, per_second=150)
