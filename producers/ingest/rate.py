"""Token buckets: how many events a write key, and an address using it, may still send."""

import ipaddress
import math
from collections import OrderedDict
from functools import lru_cache
from typing import Final

MAX_ADDRESSES: Final = 65_536
"""Addresses remembered at once; the one not heard of for longest is forgotten, and would begin with a full bucket again."""
_MAX_ADDRESS_CHARACTERS: Final = 64
"""A proxy may hand on anything as an address."""


class TokenBucket:
    """Fills at `per_second` up to `burst`. Time is an argument, in seconds of any steady clock."""

    __slots__ = ("_filled_at", "_tokens", "burst", "per_second")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self.per_second = per_second
        self.burst = burst
        self._tokens = burst
        self._filled_at = now

    def wait_s(self, now: float) -> int:
        """Whole seconds until a request may be taken; 0 is now."""
        self._tokens = min(self.burst, self._tokens + max(0.0, now - self._filled_at) * self.per_second)
        self._filled_at = now
        if self._tokens >= min(1.0, self.burst):
            return 0
        return max(1, math.ceil((1.0 - self._tokens) / self.per_second))

    def spend(self, count: int) -> None:
        self._tokens -= count

    def take(self, count: int, now: float) -> int:
        """Take `count` tokens and return 0, or return the whole seconds to wait.

        A request is taken while the bucket is not empty and may overdraw it, so that a batch larger than the burst is
        paid for afterwards rather than refused for ever.
        """
        wait = self.wait_s(now)
        if not wait:
            self.spend(count)
        return wait


class AddressBuckets:
    """A bucket for each address, in bounded memory."""

    def __init__(self, max_addresses: int = MAX_ADDRESSES) -> None:
        self._max = max_addresses
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def bucket(self, key_name: str, address: str, per_second: float, burst: float, now: float) -> TokenBucket:
        place = (key_name, network_of(address[:_MAX_ADDRESS_CHARACTERS]))
        bucket = self._buckets.get(place)
        if bucket is not None and (bucket.per_second, bucket.burst) != (
            per_second,
            burst,
        ):  # the file of keys has changed
            del self._buckets[place]
            bucket = None
        if bucket is None:
            if len(self._buckets) >= self._max:
                self._buckets.popitem(last=False)
            bucket = self._buckets[place] = TokenBucket(per_second, burst, now)
        else:
            self._buckets.move_to_end(place)
        return bucket


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that an IPv6 subscriber can choose addresses from."""
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv6Address):
        if read.ipv4_mapped is not None:
            return str(read.ipv4_mapped)
        return str(ipaddress.ip_network((int(read) >> 64 << 64, 64)))
    return str(read)
