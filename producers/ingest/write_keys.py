"""Write keys: public names of senders, each with the origins it may be used from and how fast."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec

from runtime.settings import SettingsError

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class WriteKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sender. A `browser` key is paired with the origins of its pages; a `server` key is refused from any page."""

    name: str = ""
    kind: Literal["browser", "server"] = "browser"
    origins: tuple[str, ...] = ()
    """`https://shop.example`, exactly as browsers send it; `*` is any."""
    events_per_second: float | None = None
    """Steady rate; None is no limit."""
    burst: float | None = None
    """Events taken at once after a quiet time; None is ten seconds of the steady rate."""
    address_events_per_second: float | None = None
    """Steady rate of each address that uses the key; None is no limit."""
    address_burst: float | None = None
    keeps_event_time: bool = False
    """Event time is the sender's as it stands, however old: for replays and imports."""

    def allows(self, origin: str | None) -> bool:
        if origin is None:  # not sent by a page
            return True
        return self.kind == "browser" and ("*" in self.origins or origin.lower() in self.origins)


DEMO: Final = WriteKey(name="demo", origins=("*",))
HISTORY: Final = WriteKey(name="history", kind="server", keeps_event_time=True)


class WriteKeys:
    """All known write keys."""

    def __init__(self, keys: Iterable[WriteKey]) -> None:
        self._keys = {key.name: key for key in keys}
        self._origins = frozenset(origin for key in self._keys.values() for origin in key.origins)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._keys)

    def named(self, name: str | None) -> WriteKey | None:
        return self._keys.get(name) if name is not None else None

    def allow_origin(self, origin: str) -> bool:
        """Whether any key may be used from `origin`; a preflight does not say which key will come."""
        return "*" in self._origins or origin.lower() in self._origins


LOCAL: Final = WriteKeys([DEMO, HISTORY])


class _File(msgspec.Struct, forbid_unknown_fields=True):
    keys: dict[str, WriteKey]


def write_keys_of(path: str) -> WriteKeys:
    """The write keys of a TOML file, one table `[keys.NAME]` each; the local keys when `path` is empty. Raises `SettingsError`."""
    if not path:
        return LOCAL
    try:
        read = msgspec.convert(tomllib.loads(Path(path).read_text("utf-8")), _File)
        return WriteKeys([_checked(name, key) for name, key in read.keys.items()])
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"SHOPSTREAM_INGEST_WRITE_KEYS_FILE={path} cannot be used: {error}") from error


def _checked(name: str, key: WriteKey) -> WriteKey:
    if not _NAME.fullmatch(name):
        raise ValueError(f"write key {name!r} must be 1 to 64 letters, digits, dots, dashes or underscores")
    if key.name:
        raise ValueError(f"[keys.{name}] takes no name; the table's own is it")
    if key.kind == "browser" and not key.origins:
        raise ValueError(f"[keys.{name}] is a browser key and needs origins, e.g. origins = ['https://shop.example']")
    if key.kind == "server" and key.origins:
        raise ValueError(f"[keys.{name}] is a server key, which pages may not use; remove its origins")
    if key.kind == "browser" and key.keeps_event_time:
        raise ValueError(f"[keys.{name}] is a browser key; only a server key may keep event time")
    _check_rate(name, "", key.events_per_second, key.burst)
    _check_rate(name, "address_", key.address_events_per_second, key.address_burst)
    origins = tuple(origin.lower().rstrip("/") for origin in key.origins)
    return msgspec.structs.replace(key, name=name, origins=origins)


def _check_rate(name: str, of: str, per_second: float | None, burst: float | None) -> None:
    if per_second is not None and not 0 < per_second < float("inf"):
        raise ValueError(f"[keys.{name}] {of}events_per_second must be above 0; leave it out for no limit")
    if burst is not None and (per_second is None or not 0 < burst < float("inf")):
        raise ValueError(f"[keys.{name}] {of}burst must be above 0 and come with {of}events_per_second")
