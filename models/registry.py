"""The registry: a folder of models by version, and one file that names the champion, the challenger and every change.

A model is a folder of its own under `versions/` and never changes. `registry.json` is replaced as a whole, so whoever reads it meets the
old or the new state; what it names was loaded and tried by whoever wrote it. The model that ships is there without being
added, under the name `default`.
"""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from models.card import CARD_FILE, MODEL_FILE, Card
from models.golden import TOLERANCE, difference, golden_sessions
from models.serving import DEFAULT_FOLDER, ModelMismatch, Scorer, onnx_digest

STATE_FILE: Final = "registry.json"
VERSIONS: Final = "versions"
DEFAULT: Final = "default"
"""The model that ships, whatever its version is."""
MAX_BYTES: Final = 16_000_000
"""Three times what we let training make: a larger one would be slow to load and slow in each poll."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Act = Literal["promote", "shadow", "unshadow", "rollback"]


class RegistryError(RuntimeError):
    """The registry cannot do what was asked; the text says why and what to do instead."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change: who did what when, and which models were in force afterwards."""

    at: datetime
    by: str
    act: Act
    champion: str
    challenger: str | None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Which models are in force, and how that came about, oldest change first."""

    champion: str = DEFAULT
    challenger: str | None = None
    changes: tuple[Change, ...] = ()


class Registry:
    """A registry in `folder`, which need not exist before something is added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state_file = folder / STATE_FILE

    def state(self) -> State:
        """Raises `RegistryError`."""
        try:
            return msgspec.json.decode(self.state_file.read_bytes(), type=State)
        except FileNotFoundError:
            return State()
        except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
            raise RegistryError(
                f"{self.state_file} cannot be read: {error}; restore it, or remove it to begin with the model that ships"
            ) from error

    def versions(self) -> list[str]:
        """Every version there is, by name; the model that ships comes first."""
        with contextlib.suppress(FileNotFoundError):
            there = (self.folder / VERSIONS).iterdir()
            # What an interrupted `add` left half done has a name that no version can have.
            found = [each.name for each in there if NAME.fullmatch(each.name) and (each / CARD_FILE).is_file()]
            return [DEFAULT, *sorted(found)]
        return [DEFAULT]

    def folder_of(self, version: str) -> Path:
        """Where a version's two files are, or would be. Raises `RegistryError` for a name that is none."""
        if version == DEFAULT:
            return DEFAULT_FOLDER
        if not NAME.fullmatch(version):
            raise RegistryError(f"{version!r} is no version; `shopstream models ls` lists those there are")
        return self.folder / VERSIONS / version

    def card(self, version: str) -> Card:
        """What a version says of itself. Raises `RegistryError`."""
        path = self.folder_of(version) / CARD_FILE
        try:
            return msgspec.json.decode(path.read_bytes(), type=Card)
        except FileNotFoundError:
            raise RegistryError(
                f"there is no version {version}; `shopstream models ls` lists those there are"
            ) from None
        except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
            raise RegistryError(f"{path} cannot be read: {error}; add the model again") from error

    def load(self, version: str) -> Scorer:
        """A version, tried and warm. Raises `ModelMismatch` or `RegistryError`."""
        return fit(self.folder_of(version))

    def require_fit(self, version: str) -> None:
        """Raises `ModelMismatch` or `RegistryError` for a version that may not be put in force."""
        card = self.card(version)
        if version not in (DEFAULT, card.model_version):
            # A folder copied by hand: its decisions would carry the name of another version, and be judged as that one's.
            raise ModelMismatch(
                f"version {version} holds the model {card.model_version}, and its decisions would say so; "
                f"`shopstream models add {self.folder_of(version)}` adds it under its own name"
            )
        self.load(version)

    def add(self, source: Path) -> str:
        """Copy a model's folder in, under its version; returns that. Adding the same again changes nothing, and makes a damaged version whole.

        Raises `ModelMismatch` when it cannot be served, and `RegistryError`.
        """
        version = fit(source).card.model_version
        target = self.folder_of(version)
        if version == DEFAULT:
            raise RegistryError("`default` is the name of the model that ships; train a model to give it a version")
        with self._locked():
            if target.exists() and _is_whole(target):
                if _same(source, target):
                    return version
                raise RegistryError(
                    f"there is another model with version {version}; if nobody uses that one, remove {target} and add again"
                )
            target.parent.mkdir(exist_ok=True)
            # Under its name only once it is whole; what another user serves, that user must be able to read.
            part = Path(tempfile.mkdtemp(prefix=".adding-", dir=target.parent))
            damaged = part.with_name(part.name.replace("adding", "damaged"))
            try:
                for name in (MODEL_FILE, CARD_FILE):
                    shutil.copyfile(source / name, part / name)
                    _keep(part / name)
                part.chmod(0o755)
                _keep(part)
                if target.exists():
                    target.rename(damaged)
                part.rename(target)
                _keep(target.parent)
            finally:
                for rest in (part, damaged):
                    shutil.rmtree(rest, ignore_errors=True)
        return version

    def promote(self, version: str, *, by: str, at: datetime) -> Change:
        """Make a version the champion once it has passed every check. Raises `ModelMismatch` or `RegistryError`."""
        self.require_fit(version)
        with self._locked():
            state = self.state()
            if state.champion == version:
                raise RegistryError(f"{version} is the champion already; nothing was changed")
            challenger = None if state.challenger == version else state.challenger
            return self._write(state, "promote", version, challenger, by, at)

    def shadow(self, version: str | None, *, by: str, at: datetime) -> Change:
        """Let a version score in the champion's shadow, or nothing. Raises `ModelMismatch` or `RegistryError`."""
        if version is not None:
            self.require_fit(version)
        with self._locked():
            state = self.state()
            if version == state.challenger:
                raise RegistryError(f"{version or 'nothing'} is in the shadow already; nothing was changed")
            if version == state.champion:
                raise RegistryError(f"{version} is the champion; its challenger must be another version")
            return self._write(state, "unshadow" if version is None else "shadow", state.champion, version, by, at)

    def rollback(self, *, by: str, at: datetime) -> Change:
        """Make the version before the champion the champion again; done twice, the one before that.

        Raises `ModelMismatch` or `RegistryError`.
        """
        with self._locked():
            state = self.state()
            line = champions(state)
            if len(line) < 2:
                raise RegistryError(f"{state.champion} is the first champion; there is nothing to roll back to")
            self.card(line[-2])
            self.load(line[-2])
            challenger = None if state.challenger == line[-2] else state.challenger
            return self._write(state, "rollback", line[-2], challenger, by, at)

    def _write(self, state: State, act: Act, champion: str, challenger: str | None, by: str, at: datetime) -> Change:
        change = Change(at=at, by=by, act=act, champion=champion, challenger=challenger)
        state = replace(state, champion=champion, challenger=challenger, changes=(*state.changes, change))
        part = self.state_file.with_name(f".{STATE_FILE}.part")
        with part.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.state_file)
        return change

    def require_writable(self) -> None:
        """Make the folder where there is none; asked before a long training, not after it. Raises `RegistryError`."""
        elsewhere = "name another folder in SHOPSTREAM_PROCESS_REGISTRY_DIR"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RegistryError(f"{self.folder} cannot be a registry: {error.strerror}; {elsewhere}") from error
        if not os.access(self.folder, os.W_OK):
            raise RegistryError(f"{self.folder} may not be written by this user; {elsewhere}")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time. Raises `RegistryError` where the disk takes no more; nothing is changed then."""
        self.require_writable()
        try:
            with (self.folder / ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise RegistryError(
                f"{self.folder} cannot be written: {error.strerror}; nothing was changed, make room there or set it right, then try again"
            ) from error


def champions(state: State) -> list[str]:
    """The line of champions that a rollback goes back along, the present one last: a rollback takes one off."""
    line = [DEFAULT]
    for change in state.changes:
        if change.act == "promote":
            line.append(change.champion)
        elif change.act == "rollback" and len(line) > 1:
            line.pop()
    return line


def fit(folder: Path) -> Scorer:
    """The model in a folder, when it is fit to be served: it loads, it is ours, and it scores as it did when it was trained.

    It is warm afterwards. Raises `ModelMismatch`.
    """
    with contextlib.suppress(OSError):  # the loader says what is missing
        if (size := (folder / MODEL_FILE).stat().st_size) > MAX_BYTES:
            raise ModelMismatch(
                f"{folder / MODEL_FILE} has {size:,} bytes and may have {MAX_BYTES:,}; train with fewer or smaller trees"
            )
    try:
        scorer = Scorer.load(folder)
        told = [each.likelihood for each in scorer.score(golden_sessions())]
    except ModelMismatch:
        raise
    except Exception as error:  # a stranger's file may be wrong in any way, and the model in force must stay
        raise ModelMismatch(f"the model in {folder} fails when it is tried: {error!r}; train it again") from error
    if not all(0.0 < each < 1.0 for each in told):
        raise ModelMismatch(f"model {scorer.card.model_version} gives scores that are no probabilities; train it again")
    if scorer.card.golden and (distance := difference(scorer.card.golden, told)) > TOLERANCE:
        raise ModelMismatch(
            f"model {scorer.card.model_version} scores the golden sessions by up to {distance:.2g} otherwise than when it was "
            "trained: a feature is computed in another way now, or the files were changed; train it again"
        )
    return scorer


def _keep(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk: `registry.json` is, and may name a version right after it was added."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _is_whole(folder: Path) -> bool:
    """Whether the two files are there and belong together; a copy by hand, or a full disk, may have left half of them."""
    try:
        card = msgspec.json.decode((folder / CARD_FILE).read_bytes(), type=Card)
        return card.onnx_digest == onnx_digest((folder / MODEL_FILE).read_bytes())
    except (FileNotFoundError, UnicodeDecodeError, msgspec.MsgspecError):
        return False


def _same(source: Path, target: Path) -> bool:
    return all((source / name).read_bytes() == (target / name).read_bytes() for name in (MODEL_FILE, CARD_FILE))
