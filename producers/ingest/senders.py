"""Who sends: the write key of a request, wherever an SDK puts it, and whether it may be used from here and now."""

import base64
import binascii

import msgspec

from producers.ingest.answers import Refusal
from producers.ingest.metrics import KEY_DISAGREEMENTS
from producers.ingest.rate import AddressBuckets, TokenBucket
from producers.ingest.write_keys import WriteKey, WriteKeys


class Claims(msgspec.Struct, frozen=True):
    """What a request's head says about its sender."""

    authorization: str | None = None
    query_key: str | None = None
    origin: str | None = None


def basic_user(authorization: str | None) -> str | None:
    """The user name of HTTP Basic, which SDKs fill with the write key; a missing colon is forgiven, `Bearer` is not for us."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return text.partition(":")[0] or None


class Senders:
    """Finds the write key of each request and keeps every key, and every address that uses it, within its rate."""

    def __init__(self, keys: WriteKeys) -> None:
        self.keys = keys
        self._buckets: dict[str, TokenBucket] = {}
        self._addresses = AddressBuckets()

    def use(self, keys: WriteKeys) -> None:
        """Go on with other keys; what a key or an address with the same rate has used up stays used up."""
        for name in list(self._buckets):
            was, now = self.keys.named(name), keys.named(name)
            if was is None or now is None or (was.events_per_second, was.burst) != (now.events_per_second, now.burst):
                del self._buckets[name]
        self.keys = keys

    def sender_of(
        self, claims: Claims, body_key: str | None = None, otherwise: str | None = None
    ) -> WriteKey | Refusal:
        """The header decides, then the body, then the query; `otherwise` is for requests that know no write key."""
        header_key = basic_user(claims.authorization)
        if header_key is not None and body_key is not None and header_key != body_key:
            KEY_DISAGREEMENTS.inc()
        name = header_key or body_key or claims.query_key or otherwise
        key = self.keys.named(name)
        if key is None:
            said = "has no write key" if name is None else f"names an unknown write key, {name[:64]!r}"
            return Refusal(401, "unknown_write_key", f"the request {said}; send one that the shop configured")
        if not key.allows(claims.origin):
            return Refusal(
                403, "origin_not_allowed", f"write key {key.name} may not be used from {claims.origin}; add the origin"
            )
        return key

    def wait_s(self, key: WriteKey, address: str | None, events: int, now: float) -> int:
        """Take `events` from the rates of the key and of the address and return 0, or return the seconds to wait."""
        buckets = []
        if key.events_per_second is not None:
            bucket = self._buckets.get(key.name)
            if bucket is None:
                burst = _burst(key.burst, key.events_per_second)
                bucket = self._buckets[key.name] = TokenBucket(key.events_per_second, burst, now)
            buckets.append(bucket)
        if key.address_events_per_second is not None and address is not None:
            per_second = key.address_events_per_second
            burst = _burst(key.address_burst, per_second)
            buckets.append(self._addresses.bucket(key.name, address, per_second, burst, now))
        wait = max([bucket.wait_s(now) for bucket in buckets]) if buckets else 0
        if not wait:
            # Only now: a request that one of them refuses costs the other nothing.
            for bucket in buckets:
                bucket.spend(events)
        return wait


def _burst(given: float | None, per_second: float) -> float:
    return per_second * 10 if given is None else given
