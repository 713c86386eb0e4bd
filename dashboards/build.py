"""Dashboards as code: built here, committed as JSON, and checked to be the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "json"
"""Where the committed dashboards are."""


class DashboardsUnbuildable(RuntimeError):
    """The SDK that builds dashboards is not installed; the text says how to get it."""


def built() -> dict[str, str]:
    """Every dashboard's file name and JSON text. Raises `DashboardsUnbuildable`."""
    try:
        # Needed to build only; what runs reads the committed JSON.
        from grafana_foundation_sdk.cog.encoder import JSONEncoder

        from dashboards.business import business
        from dashboards.models import models
        from dashboards.pipeline import pipeline
    except ImportError as error:
        raise DashboardsUnbuildable(
            "grafana-foundation-sdk is not installed; `make setup` brings it with the other development tools"
        ) from error
    makers: dict[str, Callable[[], Any]] = {"business": business, "models": models, "pipeline": pipeline}
    texts = {}
    for name, make in makers.items():
        board = json.loads(JSONEncoder().encode(make().build()))
        for number, panel in enumerate(board["panels"], start=1):
            panel["id"] = number
        texts[f"{name}.json"] = json.dumps(board, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    return texts


def build(folder: Path = FOLDER) -> list[Path]:
    """Write every dashboard; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, text in built().items():
        (folder / name).write_text(text, encoding="utf-8")
        files.append(folder / name)
    return files


def check(folder: Path = FOLDER) -> list[str]:
    """What differs between the folder and the code, a sentence each; nothing when all is fresh."""
    expected = built()
    problems = []
    for name, text in expected.items():
        path = folder / name
        if not path.exists():
            problems.append(f"{path} is missing; run `shopstream dashboards build`")
        elif path.read_text(encoding="utf-8") != text:
            problems.append(f"{path} is not what the code builds; run `shopstream dashboards build`")
    known = set(expected)
    problems += [
        f"{path} is built by nothing; delete it" for path in sorted(folder.glob("*.json")) if path.name not in known
    ]
    return problems


def committed(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """The dashboards as committed, by file name."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
