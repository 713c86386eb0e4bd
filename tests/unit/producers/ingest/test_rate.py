"""A write key, and each address that uses it, may send so many events a second, and a burst at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.ingest.rate import AddressBuckets, TokenBucket, network_of


def test_a_burst_is_taken_at_once_and_then_the_steady_rate() -> None:
    bucket = TokenBucket(per_second=10, burst=20, now=0)
    assert bucket.take(20, now=0) == 0
    assert bucket.take(1, now=0) == 1
    assert bucket.take(10, now=1) == 0


def test_a_batch_larger_than_the_burst_is_paid_for_afterwards() -> None:
    bucket = TokenBucket(per_second=10, burst=20, now=0)
    assert bucket.take(70, now=0) == 0
    assert bucket.take(1, now=0) == 6
    assert bucket.take(1, now=5.1) == 0


def test_a_clock_that_stands_gives_nothing() -> None:
    bucket = TokenBucket(per_second=1, burst=1, now=5)
    assert [bucket.take(1, now=5), bucket.take(1, now=4)] == [0, 1]


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 2)), max_size=50))
def test_what_is_taken_never_exceeds_the_rate_by_more_than_the_burst_and_one_batch(
    steps: list[tuple[int, float]],
) -> None:
    bucket = TokenBucket(per_second=10, burst=20, now=0)
    now, taken = 0.0, 0
    for count, pause in steps:
        now += pause
        taken += count if bucket.take(count, now) == 0 else 0
        assert taken <= 20 + 10 * now + 50


@given(count=st.integers(3, 500))
def test_waiting_as_told_is_long_enough(count: int) -> None:
    bucket = TokenBucket(per_second=7, burst=3, now=0)
    bucket.take(count, now=0)
    wait = bucket.take(1, now=0)
    assert bucket.take(1, now=wait) == 0


def test_addresses_are_remembered_up_to_a_bound_and_the_quiet_ones_forgotten() -> None:
    addresses = AddressBuckets(max_addresses=100)
    for number in range(1_000):
        addresses.bucket("web", f"10.0.{number // 256}.{number % 256}", 1, 1, now=0).take(1, now=0)
        assert addresses.bucket("web", "192.0.2.1", 1, 1, now=0).take(1, now=0) == (0 if number == 0 else 1)
    assert len(addresses) == 100


def test_of_what_is_no_address_only_the_beginning_counts() -> None:
    addresses = AddressBuckets()
    taken = [addresses.bucket("web", "a" * length, 1, 1, now=0).take(1, now=0) for length in (100, 60_000)]
    assert taken == [0, 1]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("unknown", "unknown", True),
    ],
)
def test_a_subscribers_addresses_count_as_one(one: str, other: str, is_same: bool) -> None:
    assert (network_of(one) == network_of(other)) is is_same
