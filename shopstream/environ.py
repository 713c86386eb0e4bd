"""The environment that commands read their settings from."""

import os

from shopstream.run_folder import environ_of_run


def environ() -> dict[str, str]:
    """This process's environment; where it says nothing, the pipeline that runs in this folder (`shopstream up`)."""
    return environ_of_run() | {name: value for name, value in os.environ.items() if value}
