"""Ids that hold for one day: who refuses to be known is the same visitor until midnight (UTC), and nobody's after that."""

import secrets
from datetime import date, datetime
from hashlib import blake2b
from typing import Final

from runtime.settings import SettingsError

PREFIX: Final = "day:"
"""Every such id begins with it."""
_MIN_SECRET_CHARACTERS: Final = 32


class DailyIds:
    """Keyed hashes, the key changing at midnight. Without a secret each day's key is random, and forgotten with the day.

    With a secret all processes that have it give the same ids, also after a restart.
    """

    def __init__(self, secret: str = "") -> None:
        """Raises `SettingsError`."""
        if secret and len(secret) < _MIN_SECRET_CHARACTERS:
            raise SettingsError(
                f"SHOPSTREAM_INGEST_DAILY_ID_SECRET is shorter than {_MIN_SECRET_CHARACTERS} characters; "
                "make one with `openssl rand -hex 32`"
            )
        self._secret = blake2b(secret.encode(), digest_size=32).digest() if secret else None
        self._day: date | None = None
        self._key = b""

    def of(self, received_at: datetime, *parts: str) -> str:
        """The id of the parts on the day (UTC) that we received them."""
        text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        return PREFIX + blake2b(text, digest_size=16, key=self._key_of(received_at.date())).hexdigest()

    def _key_of(self, day: date) -> bytes:
        if day != self._day:
            self._day = day
            if self._secret is None:
                self._key = secrets.token_bytes(32)
            else:
                self._key = blake2b(day.isoformat().encode(), digest_size=32, key=self._secret).digest()
        return self._key
