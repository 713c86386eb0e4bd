"""Derived ids: the same input gives the same id, so that a replay repeats nothing."""

from base64 import urlsafe_b64encode
from hashlib import blake2b, sha256


def derived_id(*parts: str) -> str:
    """32 hex digits (128 bits of BLAKE2b) of the parts, in order."""
    return blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def visitor_id_of(visitor_secret: str) -> str:
    """The visitor id that belongs to a secret: the first 22 characters of base64url(SHA-256(secret)).

    The id may be seen by anyone; only the browser that holds the secret can ask for a decision token.
    """
    return urlsafe_b64encode(sha256(visitor_secret.encode()).digest())[:22].decode()
