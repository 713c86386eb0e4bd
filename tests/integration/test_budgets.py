"""Budgets are kept: by the ledger, by workers side by side, and by a worker that is killed."""

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.codec import DECISION_DECODER, ENCODER
from contracts.decisions import Charge, Decision
from contracts.topics import DECISIONS, EVENTS
from models.policy import Budget
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from sql.migrate import migrate
from stream_processors.ledger import LAST_ANSWER_S, Ledger, LedgerUnreachable, PostgresLedger
from tests.factories import decision, event, incentive
from tests.fakes import CountingLedger
from tests.kafka_records import records_on
from tests.running import running
from tests.tables import Tables
from tests.waiting import until
from tests.worker import Worker

DISCOUNTS = Budget(name="discounts", per_day=30)
OFFERS = 20
POLICY = f"""
name = "ours"
holdout = {{ share = 0, salt = "s" }}
budget = [{{ name = "discounts", per_day = {OFFERS} }}]
[[rule]]
name = "everybody"
action = "discount"
discount = 10
message = "10 % off"
because = "everybody gets it"
budget = "discounts"
cost = 1
"""


@pytest.fixture(params=["counting", "postgres"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """One suite for every `Ledger`."""
    if request.param == "counting":
        yield CountingLedger()
        return
    dsn: str = request.getfixturevalue("database")
    migrate(dsn)
    real = PostgresLedger(dsn)
    yield real
    real.close()


def test_what_is_set_aside_for_one_is_nobody_elses(ledger: Ledger) -> None:
    first = ledger.reserve(DISCOUNTS, Decimal(20))
    assert (first.amount, first.is_last) == (Decimal(20), False)
    assert 0 < first.lasts_s <= 86_400
    second = ledger.reserve(DISCOUNTS, Decimal(20))
    assert (second.amount, second.is_last, second.day) == (Decimal(10), True, first.day)
    assert ledger.reserve(DISCOUNTS, Decimal(20))[:2] == (first.day, Decimal(0))


def test_what_is_given_back_can_be_set_aside_again(ledger: Ledger) -> None:
    part = ledger.reserve(DISCOUNTS, Decimal(30))
    ledger.give_back(DISCOUNTS.name, part.day, Decimal("0.1"))
    assert ledger.reserve(DISCOUNTS, Decimal(20)).amount == Decimal("0.1")


def test_a_policy_that_allows_less_takes_effect_at_once_and_one_that_allows_more_too(ledger: Ledger) -> None:
    ledger.reserve(DISCOUNTS, Decimal(20))
    assert ledger.reserve(Budget(name="discounts", per_day=10), Decimal(5)).amount == 0
    assert ledger.reserve(Budget(name="discounts", per_day=40), Decimal(50)).amount == 20


def test_many_workers_at_once_set_aside_what_there_is_and_no_more(database: str) -> None:
    migrate(database)
    plenty = Budget(name="discounts", per_day=100)

    def drain(_: int) -> Decimal:
        ledger = PostgresLedger(database)
        taken = Decimal(0)
        while (part := ledger.reserve(plenty, Decimal("0.7"))).amount:
            taken += part.amount
        ledger.close()
        return taken

    with ThreadPoolExecutor(6) as workers:
        assert sum(workers.map(drain, range(6))) == 100


def test_a_ledger_that_cannot_answer_says_why_and_answers_once_it_can(database: str) -> None:
    ledger = PostgresLedger(database)
    with pytest.raises(LedgerUnreachable, match="run `shopstream migrate`"):
        ledger.reserve(DISCOUNTS, Decimal(1))
    migrate(database)
    assert ledger.reserve(DISCOUNTS, Decimal(1)).amount == 1
    ledger.close()
    with pytest.raises(LedgerUnreachable, match="Postgres does not answer at"):
        PostgresLedger(f"postgresql://nobody@127.0.0.1:{free_port()}/shop").reserve(DISCOUNTS, Decimal(1))


def test_a_postgres_that_is_frozen_holds_nobody_up_who_gives_back_as_the_last_thing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:  # takes connections and says nothing
        ledger = PostgresLedger(f"postgresql://ada@127.0.0.1:{frozen.getsockname()[1]}/shop")
        with ThreadPoolExecutor(1) as other:
            asking = other.submit(ledger.reserve, DISCOUNTS, Decimal(1))
            for _ in range(2):  # while another is asking, too
                began_at = time.monotonic()
                with pytest.raises(LedgerUnreachable):
                    ledger.give_back(DISCOUNTS.name, datetime.now(UTC).date(), Decimal(1))
                assert time.monotonic() - began_at < LAST_ANSWER_S + 0.9
            assert isinstance(asking.exception(), LedgerUnreachable)


def test_a_worker_suspended_while_it_sets_aside_keeps_the_others_waiting_for_seconds_only(database: str) -> None:
    migrate(database)
    suspended, other = PostgresLedger(database), PostgresLedger(database)
    with contextlib.suppress(LedgerUnreachable), suspended._transaction(60) as run:
        run("open_budget_day", {"budget": DISCOUNTS.name, "per_day": 30})
        part = other.reserve(DISCOUNTS, Decimal(1))
    assert part.amount == 1
    assert suspended.reserve(DISCOUNTS, Decimal(30)).amount == 29
    for each in (suspended, other):
        each.close()


def paid(incentive_id: str, cost: float, decided_at: str = "12:00") -> Decision:
    day = datetime.now(UTC).date()
    charge = Charge(budget="discounts", day=day, cost=cost)
    return decision(
        decided_at, decision_id=f"d-{incentive_id}-{decided_at}", incentive=incentive(incentive_id, charge=charge)
    )


def test_what_was_paid_for_is_known_to_whoever_decides_next_and_counts_once(database: str) -> None:
    ledger = PostgresLedger(database)
    with Tables(database) as tables:
        part = ledger.reserve(DISCOUNTS, Decimal(12))
        tables.write(
            paid("a", 5, "12:01"), paid("b", 0.1), paid("a", 5, "12:02"), decision(incentive=incentive("free"))
        )
        told = ledger.paid_for(["discounts"])
        assert sorted(told, key=lambda each: each[0]) == [
            ("a", Charge(budget="discounts", day=part.day, cost=5.0)),
            ("b", Charge(budget="discounts", day=part.day, cost=0.1)),
        ]
        assert ledger.paid_for(["others"]) == []
        (today,) = tables.view("budget_by_day")
        assert today == {
            "budget": "discounts",
            "day": part.day,
            "per_day": 30.0,
            "offers": 2,
            "accepted": 0,
            "offered_cost": 5.1,
            "set_aside": 6.9,
            "unreserved": 18.0,
            "is_kept": True,
        }
        tables.write(paid("c", 7))
        (today,) = tables.view("budget_by_day")
        assert today["is_kept"] is False
    ledger.close()


def test_workers_side_by_side_one_of_them_killed_offer_no_more_than_the_budget(
    broker: KafkaSettings, database: str, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    settings = {"SHOPSTREAM_PROCESS_POLICY_FILE": str(policy), "SHOPSTREAM_POSTGRES_DSN": database}
    producer = durable_producer(broker)
    workers: list[Worker] = []

    def start() -> Worker:
        workers.append(Worker(broker, tmp_path / f"worker-{len(workers)}.log", **settings))
        return workers[-1]

    def visit(visitor: int) -> None:
        told = event(occurred_at=datetime.now(UTC), message_id=f"m{time.monotonic_ns()}", visitor_id=f"v{visitor}")
        producer.send(EVENTS.name, key=told.visitor_id.encode(), value=ENCODER.encode(told))
        producer.flush()

    def decisions() -> list[Decision]:
        return [DECISION_DECODER.decode(each.value) for each in records_on(broker, DECISIONS.name, 1, timeout_s=5)]

    def decided() -> set[str]:
        return {each.visitor_id for each in decisions()}

    def offered() -> set[str]:
        return {each.incentive.incentive_id for each in decisions() if each.incentive and each.is_offered}

    with running(broker, database, tmp_path, ("persist",)) as shop:
        try:
            doomed, other = start(), start()
            until(lambda: doomed.is_ready() and other.is_ready() and doomed.partitions() and other.partitions(), 90)

            def is_under_way() -> bool:
                for visitor in range(8):
                    visit(visitor)
                return len(offered()) >= 6

            until(is_under_way, 60)
            doomed.process.kill()
            start()
            for visitor in range(60):
                visit(visitor)
            until(lambda: len(decided()) == 60, 90)

            def is_spent() -> bool:
                for visitor in range(6):
                    visit(1_000 + len(decided()) + visitor)
                spent = "no discount: the budget `discounts` is spent for today"
                return any(spent in each.because for each in decisions())

            until(is_spent, 60)
            count = len(offered())
            assert OFFERS / 2 < count <= OFFERS
            assert sum(each.incentive is not None for each in decisions()) > count  # paid once, offered again
            stored = "select offers, is_kept, offered_cost + set_aside from budget_by_day"
            until(lambda: shop.query(stored)[0][0] == count, 60)
            assert shop.query(stored) == [(count, True, OFFERS)]
        finally:
            for worker in workers:
                worker.process.terminate()
            for worker in workers:
                worker.process.wait(30)
            producer.close()
    assert other.process.returncode == 0, other.log.read_text()
