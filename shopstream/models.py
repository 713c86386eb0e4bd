"""What `shopstream models` tells of versions: roles, figures, and one card beside another."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from models.card import CARD_FILE, MODEL_FILE, Card, PrefixMetrics
from models.registry import DEFAULT, Change, Registry, State, fit
from models.serving import ModelMismatch, Scorer
from runtime.settings import ProcessSettings

FIGURES: Final = (("1", "auc"), ("5", "auc"), ("all", "auc"), ("all", "brier"), ("all", "ece"))
"""Columns of `models ls`: the figure after so many events."""


def role_of(version: str, state: State) -> str:
    return {state.champion: "champion", state.challenger: "challenger"}.get(version, "")


def figure(card: Card, events: str, name: str) -> str:
    """One figure of a card; empty where it was not measured."""
    rows = [row for row in card.metrics if row.events == events]
    return _number(getattr(rows[0], name)) if rows else ""


def told(state: State, cards: Mapping[str, Card], broken: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every version for programs; `broken` says why a version has no card that can be read."""
    return [
        {
            "version": version,
            "model_version": card.model_version,
            "role": role_of(version, state) or None,
            "data": card.data,
            "features_digest": card.features_digest,
            "metrics": card.metrics,
            "problem": None,
        }
        for version, card in cards.items()
    ] + [
        {
            "version": version,
            "model_version": None,
            "role": role_of(version, state) or None,
            "data": None,
            "features_digest": None,
            "metrics": [],
            "problem": problem,
        }
        for version, problem in broken.items()
    ]


def scorers_of(process: ProcessSettings) -> list[Scorer]:
    """Every model that may have decided with these settings, the one that decides now first. Raises `ModelMismatch`, `RegistryError`."""
    if process.model_dir:
        return [fit(Path(process.model_dir))]
    registry = Registry(Path(process.registry_dir))
    champion = registry.state().champion
    found = [registry.load(champion)]
    for version in registry.versions():
        if version != champion:
            with contextlib.suppress(ModelMismatch):  # what cannot be served any more cannot be asked either
                found.append(registry.load(version))
    return found


def about(card: Card, folder: Path) -> Iterator[tuple[str, str]]:
    """A card in a few lines."""
    data, forest = card.data, card.forest
    size = sum((folder / name).stat().st_size for name in (MODEL_FILE, CARD_FILE) if (folder / name).exists())
    yield "version", card.model_version
    yield "folder", f"{folder}, {size:,} bytes"
    yield "algorithm", f"{forest.algorithm}, {forest.trees} trees, {forest.leaves:,} leaves, seed {forest.seed}"
    yield (
        "learnt from",
        f"{data.name}: {data.sessions:,} sessions, {data.buying_sessions:,} bought; digest {data.digest}",
    )
    yield "licence", data.licence
    yield "features", f"{len(card.features)}, digest {card.features_digest}"
    low, high = card.calibration.probability[0], card.calibration.probability[-1]
    yield "calibration", f"{len(card.calibration.raw)} points, from {low:.4f} to {high:.4f}"
    yield "tried", ", ".join(f"{name} {loss:.5f}" for name, loss in card.challengers.items()) or "one algorithm"
    yield (
        "drift",
        f"bins of {len(card.bins)} features" if card.bins else "cannot be measured: trained before cards had bins",
    )


def beside(card: Card, champion: Card | None) -> Iterator[tuple[str, ...]]:
    """The figures after each number of events, the champion's in brackets."""
    theirs = {row.events: row for row in champion.metrics} if champion is not None else {}
    for row in card.metrics:
        other = theirs.get(row.events)
        names = ("base_rate", "auc", "pr_auc", "brier", "ece")
        yield row.events, f"{row.sessions:,}", *(_both(row, other, name) for name in names)


def with_before(changes: Sequence[Change]) -> Iterator[tuple[str, Change]]:
    """Each change with the champion before it."""
    before = DEFAULT
    for change in changes:
        yield before, change
        before = change.champion


def _both(row: PrefixMetrics, other: PrefixMetrics | None, name: str) -> str:
    ours = _number(getattr(row, name))
    return ours if other is None else f"{ours} ({_number(getattr(other, name))})"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"
