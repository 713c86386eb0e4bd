"""The SDKs on this machine: where `make sdks` put them, how one is run, and how a page with one is built."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[2] / ".shopstream" / "sdks"
SENDERS: Final = Path(__file__).parent / "sdks"


def missing(*, browser: bool = False, node: bool = False) -> str | None:
    """Why an SDK cannot run here, or None."""
    if (node or browser) and shutil.which("node") is None:
        return "no node on PATH; install Node.js 20 or newer to run the JavaScript SDKs"
    if browser and shutil.which("chromium") is None:
        return "no chromium on PATH; install it to run the browser SDKs"
    if not (FOLDER / ("node_modules" if node or browser else "python")).is_dir():
        return "the SDKs are not here; `make sdks` fetches them with pip and npm"
    return None


@contextmanager
def shop_server(sdk: str, urls: Sequence[str], log: Path) -> Iterator[None]:
    """A process that sends three events to each URL with a Python or Node SDK and stays while the block runs."""
    if sdk.endswith("-node"):
        command = ["node", str(SENDERS / "send.cjs"), str(FOLDER), sdk, *urls]
    else:
        command = [sys.executable, str(SENDERS / "send.py"), sdk, *urls]
    environ = {**os.environ, "PYTHONPATH": str(FOLDER / "python")}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environ)
        try:
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)


def bundled(page: str, folder: Path) -> bytes:
    """The script of a page, with its SDK, as a shop's own build would make it."""
    script = folder / f"{page}.js"
    environ = {**os.environ, "NODE_PATH": str(FOLDER / "node_modules")}
    esbuild = FOLDER / "node_modules" / "esbuild" / "bin" / "esbuild"
    arguments = ["--bundle", "--format=iife", "--log-level=warning", "--define:process.env.NODE_ENV='production'"]
    command = [str(esbuild), str(SENDERS / f"{page}.js"), *arguments, f"--outfile={script}"]
    subprocess.run(command, check=True, env=environ, timeout=60)
    return script.read_bytes()
