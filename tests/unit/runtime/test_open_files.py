"""A server takes as many connections as the system lets it have, and asks the system for as many as it wants."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "told"),
    [
        (100, 500, 200, "200 264"),  # the limit is raised as far as is needed
        (100, 200, 1_000, "136 200"),  # and as far as the system allows
        (300, 500, 200, "200 300"),  # or stays
    ],
)
def test_connections_are_allowed_as_far_as_the_system_does(soft: int, hard: int, wanted: int, told: str) -> None:
    script = f"""
import resource
from runtime.open_files import allow_connections
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(allow_connections({wanted}), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == told
