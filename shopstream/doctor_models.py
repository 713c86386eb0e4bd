"""What `shopstream doctor` finds about models: whether those that are named are served, and how far their features have moved."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from runtime.settings import ProcessSettings
from shopstream.finding import Finding
from shopstream.probes import Sample

MOST_DRIFT: Final = 0.25
"""A population stability index above this is read as another population (`models/drift.py`)."""


def model_findings(process: ProcessSettings, served: Mapping[str, str]) -> Iterator[Finding]:
    """Whether what the registry names can be served and is; `served` is role to version, empty when no worker answers."""
    from models.registry import Registry, RegistryError, fit
    from models.serving import ModelMismatch

    pinned = Path(process.model_dir) if process.model_dir else None
    registry, wanted = Registry(Path(process.registry_dir)), {}
    try:
        state = registry.state()
        named = (
            {"champion": state.champion, "challenger": state.challenger} if pinned is None else {"champion": "pinned"}
        )
        for role, version in named.items():
            if version is not None:
                wanted[role] = fit(pinned or registry.folder_of(version)).card.model_version
    except (RegistryError, ModelMismatch) as error:
        repair = (
            "shopstream models rollback, promote another, or add it again from its folder"
            if pinned is None
            else "unset SHOPSTREAM_PROCESS_MODEL_DIR"
        )
        serving = f"; the worker keeps {served['champion']}" if served else ""
        yield Finding("models", "problem", f"{error}{serving}", repair)
        return
    text = ", ".join(f"{role} {version}" for role, version in wanted.items())
    if served and dict(served) != wanted:
        kept = ", ".join(f"{role} {version}" for role, version in served.items())
        repair = "wait a second; else give all the same SHOPSTREAM_PROCESS_REGISTRY_DIR, or see the log of process"
        yield Finding("models", "problem", f"named are {text}; the worker serves {kept}", repair)
    else:
        yield Finding("models", "ok", text)


def drift_findings(samples: Sequence[Sample]) -> Iterator[Finding]:
    """The features that have moved far from what the champion learnt from; nothing while that cannot be told."""
    if not samples:
        return
    moved = sorted(((value, labels["feature"]) for labels, value in samples if value > MOST_DRIFT), reverse=True)
    if moved:
        names = ", ".join(f"{name} {value:.2f}" for value, name in moved[:5]) + (
            " and others" if len(moved) > 5 else ""
        )
        repair = "look at the dashboard of models, and train again where the shop has changed"
        yield Finding("drift", "note", f"{len(moved)} of {len(samples)} features have moved (PSI): {names}", repair)
    else:
        yield Finding("drift", "ok", f"no feature's PSI is above {MOST_DRIFT:g}")
