"""The models in force, loaded: what the registry names, looked at again and again and loaded when it has changed.

A model that cannot be served is refused, and the one in force stays. Where none is in force yet, everyone gets the prior.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from models.card import CARD_FILE, MODEL_FILE, Card
from models.prior import Prior, rate_of
from models.registry import DEFAULT, VERSIONS, Registry, RegistryError, fit
from models.serving import ModelMismatch, Scorer

Role = Literal["champion", "challenger", "registry"]
FileMark = tuple[str, int, tuple[int, ...]]

FILES: Final = (MODEL_FILE, CARD_FILE)


@dataclass(frozen=True, slots=True)
class Models:
    """Who decides, and who scores in its shadow."""

    champion: Scorer | Prior
    challenger: Scorer | None = None


@dataclass(frozen=True, slots=True)
class Loading:
    """What came of trying to load the model of a role; `refused` says why it was not taken, None when it was."""

    role: Role
    version: str
    refused: str | None = None


class ModelFollower:
    """Follows a registry, or one folder where that is pinned. `look` may be called from any thread, by one at a time."""

    def __init__(self, registry: Registry, pinned: Path | None = None) -> None:
        self._registry = registry
        self._pinned = pinned
        self._seen: dict[Role, tuple[FileMark, ...]] = {}
        self._state_seen: tuple[FileMark, ...] | None = None
        self.refusals: dict[Role, Loading] = {}
        """What the registry names and cannot be served, as of the last look."""
        self.models = Models(Prior(rate_of(None)))
        """Replaced as a whole: whoever reads it once has models that belong together."""
        self._named: dict[Role, Path | None] = {}

    def look(self) -> list[Loading]:
        """Load what has changed since the last look; what came of it, nothing when nothing has changed."""
        loadings: list[Loading] = []
        try:
            self._read_state()
        except RegistryError as error:
            loadings.append(Loading("registry", "unknown", str(error)))
        challenger = self._named.get("challenger")
        if challenger is None and (self.models.challenger or "challenger" in self.refusals):
            self.models = Models(self.models.champion)
            self.refusals.pop("challenger", None)
            self._seen.pop("challenger", None)
        for role, folder in self._named.items():
            if folder is not None and (marks := tuple(_marks(folder))) != self._seen.get(role):
                self._seen[role] = marks
                loadings.append(self._load(role, folder))
        self.refusals |= {each.role: each for each in loadings if each.refused}
        return loadings

    def _read_state(self) -> None:
        """Learn which folders are named. Raises `RegistryError` once for each content that cannot be read."""
        if self._pinned is not None:
            self._named = {"champion": self._pinned}
            return
        seen = tuple(_marks(self._registry.folder, (self._registry.state_file.name,)))
        if seen == self._state_seen:
            return
        was_there, is_there = (any(size for _, size, _ in marks or ()) for marks in (self._state_seen, seen))
        is_lost = was_there and not is_there and not (self._registry.folder / VERSIONS).is_dir()
        self._state_seen = seen
        if is_lost:  # as of a mount that is gone: nobody chose the model that ships
            raise RegistryError(
                f"{self._registry.folder} has lost everything it had; mount or restore it, or start the workers again to begin with "
                "the model that ships"
            )
        state = self._registry.state()
        named: dict[Role, str | None] = {"champion": state.champion, "challenger": state.challenger}
        self._named = {role: None if name is None else self._registry.folder_of(name) for role, name in named.items()}
        self.refusals.pop("registry", None)

    def _load(self, role: Role, folder: Path) -> Loading:
        name = DEFAULT if folder == self._registry.folder_of(DEFAULT) else folder.name
        try:
            scorer = fit(folder)
        except ModelMismatch as error:
            if role == "champion" and isinstance(self.models.champion, Prior):
                self.models = Models(Prior(rate_of(_card(folder))), self.models.challenger)
            return Loading(role, name, str(error))
        self.refusals.pop(role, None)
        if role == "champion":
            self.models = Models(scorer, self.models.challenger)
        else:
            self.models = Models(self.models.champion, scorer)
        return Loading(role, scorer.card.model_version)


def _marks(folder: Path, names: tuple[str, ...] = FILES) -> Iterator[FileMark]:
    """Path, size and what else changes with a file, or with who may read it: where it is not, nothing."""
    for name in names:
        try:
            found = (folder / name).stat()
        except OSError:
            yield str(folder / name), 0, ()
        else:
            # Not when the inode changed: a backup that links to the file changes that, and would cost the drift's window.
            others = (found.st_mtime_ns, found.st_ino, found.st_mode, found.st_uid, found.st_gid)
            yield str(folder / name), found.st_size, others


def _card(folder: Path) -> Card | None:
    try:
        return msgspec.json.decode((folder / CARD_FILE).read_bytes(), type=Card)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError):
        return None
