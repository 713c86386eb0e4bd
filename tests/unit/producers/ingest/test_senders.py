"""Rates of keys and addresses, and what of them outlives a change of the keys."""

from producers.ingest.senders import Senders
from producers.ingest.write_keys import WriteKey, WriteKeys

BOTH = WriteKey(
    name="both", origins=("*",), events_per_second=10, burst=10, address_events_per_second=1, address_burst=2
)
FREE = WriteKey(name="free", kind="server")


def test_a_key_without_limits_never_waits() -> None:
    senders = Senders(WriteKeys([FREE]))
    assert [senders.wait_s(FREE, "10.0.0.1", 10_000, now=0) for _ in range(3)] == [0, 0, 0]


def test_the_longer_wait_counts_and_a_refused_request_costs_neither() -> None:
    senders = Senders(WriteKeys([BOTH]))
    assert senders.wait_s(BOTH, "10.0.0.1", 4, now=0) == 0
    assert [senders.wait_s(BOTH, "10.0.0.1", 4, now=0) for _ in range(5)] == [3] * 5  # the address is over, not the key
    assert senders.wait_s(BOTH, "10.0.0.2", 2, now=0) == 0
    assert senders.wait_s(BOTH, "10.0.0.3", 2, now=0) == 0
    assert senders.wait_s(BOTH, "10.0.0.4", 2, now=0) == 0
    assert senders.wait_s(BOTH, "10.0.0.5", 1, now=0) == 1  # 10 taken by those accepted: now the key is empty


def test_without_an_address_only_the_key_counts() -> None:
    senders = Senders(WriteKeys([BOTH]))
    assert [senders.wait_s(BOTH, None, 5, now=0) for _ in range(3)] == [0, 0, 1]


def test_new_keys_take_over_and_a_rate_that_stays_stays_used_up() -> None:
    senders = Senders(WriteKeys([BOTH]))
    assert senders.wait_s(BOTH, None, 20, now=0) == 0
    senders.use(WriteKeys([BOTH, FREE]))
    assert senders.wait_s(BOTH, None, 1, now=0) == 2
    faster = WriteKey(name="both", origins=("*",), events_per_second=50, burst=100)
    senders.use(WriteKeys([faster]))
    assert senders.wait_s(faster, None, 1, now=0) == 0
    assert senders.keys.named("free") is None


def test_new_keys_give_an_address_nothing_back_unless_its_rate_is_another() -> None:
    shy = WriteKey(name="shy", origins=("*",), address_events_per_second=1, address_burst=2)
    senders = Senders(WriteKeys([shy]))
    assert senders.wait_s(shy, "10.0.0.1", 2, now=0) == 0
    senders.use(WriteKeys([shy, FREE]))
    assert senders.wait_s(shy, "10.0.0.1", 1, now=0) == 1
    bold = WriteKey(name="shy", origins=("*",), address_events_per_second=1, address_burst=3)
    senders.use(WriteKeys([bold]))
    assert senders.wait_s(bold, "10.0.0.1", 1, now=0) == 0
