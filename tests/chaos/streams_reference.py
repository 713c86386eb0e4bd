"""What must be in Postgres in the end: the fold offline over the events sent, pandas for the counts, and what differs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from contracts.decisions import Charge, Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from models.decide import decide
from models.policy import Budget
from models.serving import Scorer
from models.session import conversion_id
from models.session_features import features_of
from models.visitor import GAP, Visitor
from stream_processors.ledger import exact
from stream_processors.persist_rows import SESSION_COLUMNS
from tests.chaos.streams_rig import Rig
from tests.chaos.streams_story import Erased, Sent

FEATURES: Final = [name for name in SESSION_COLUMNS if name != "received_at"]
"""All that is told of a session, but for when its visitor's newest event was received: a later session's does not re-tell it."""
DECIDED: Final = [
    "event_count",
    "likelihood",
    "persona",
    "persona_confidence",
    "style",
    "style_confidence",
    "arm",
    "is_offered",
]
COPIES: Final = ["sessions.likelihood", "sessions.persona", "sessions.style", "personas.persona", "personas.style"]
"""Where the latest decision is written as well."""


@dataclass(slots=True)
class Difference:
    """What Postgres has too little, too much, or otherwise."""

    sessions: int = 0
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    examples: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.differing)

    def differs(self, text: str, lost: int = 0, doubled: int = 0) -> None:
        self.lost += lost
        self.doubled += doubled
        self.differing += 0 if lost or doubled else 1
        self.examples.append(text)

    def add(self, other: "Difference") -> None:
        self.lost += other.lost
        self.doubled += other.doubled
        self.differing += other.differing
        self.examples += other.examples

    def counts(self, what: str, stored: float, expected: float) -> None:
        if stored != expected:
            short = int(expected - stored)
            self.differs(f"{what}: {stored} stored, {expected} expected", lost=max(0, short), doubled=max(0, -short))


def compare(rig: Rig, name: str, sent: Sequence[Sent]) -> Difference:
    """Postgres against what the records sent under one write key give."""
    erased = Erased(sent)
    told = {each.event.message_id: each.event for each in sent if each.event is not None}.values()
    events = [each for each in told if not erased.covers(each)]
    broken = sum(each.event is None and each.erasure is None for each in sent)
    difference = Difference()
    ((erasures,),) = rig.query(
        "select count(*) from erasure where erasure_id = any(%s)", [each.message_id for each in erased.erasures]
    )
    difference.counts("erasures", erasures, len(erased.erasures))
    _compare_counts(difference, rig, name, events, broken)
    _compare_sessions(difference, rig, name, events)
    return difference


def _compare_counts(difference: Difference, rig: Rig, name: str, events: list[Event], broken: int) -> None:
    """Events, sessions and purchases as pandas counts them, which knows nothing of our fold."""
    table = pd.DataFrame(
        {
            "visitor": [each.visitor_id for each in events],
            "at": [each.occurred_at for each in events],
            "name": [each.event_name for each in events],
            "order": [conversion_id(each) for each in events],
            "value": [each.properties.value or 0.0 for each in events],
        }
    ).sort_values(["visitor", "at"])
    pause = table.groupby("visitor")["at"].diff()
    difference.sessions = int((pause.isna() | (pause > GAP)).sum())
    purchases = table[table["name"] == "purchase"].groupby("order")["value"].max()
    ((stored_events, linked),) = rig.query("select count(*), count(session_id) from events where write_key = %s", name)
    ((stored_sessions, in_sessions),) = rig.query(
        "select count(*), coalesce(sum(event_count), 0) from sessions where write_key = %s", name
    )
    ((stored_purchases, revenue),) = rig.query(
        "select count(*), coalesce(sum(revenue), 0) from conversions where write_key = %s", name
    )
    ((of_users,),) = rig.query("select coalesce(sum(event_count), 0) from users where visitor_id like %s", f"{name}-%")
    letters = "select count(*) from dead_letter where stage = %s and convert_from(raw, 'UTF8') like %s"
    ((folds_broken,),) = rig.query(letters, "sessionize", f'{{"broken": "{name}-%')
    ((sinks_broken,),) = rig.query(letters, "persist", f'{{"broken": "{name}-%')
    difference.counts("events", stored_events, len(table))
    difference.counts("events in a session", linked, len(table))
    difference.counts("sessions", stored_sessions, difference.sessions)
    difference.counts("events counted in sessions", int(in_sessions), len(table))
    difference.counts("events counted of users", int(of_users), len(table))
    difference.counts("purchases", stored_purchases, len(purchases))
    difference.counts("cents of revenue", round(float(revenue) * 100), round(float(purchases.sum()) * 100))
    difference.counts("dead letters of the fold", folds_broken, broken)
    difference.counts("dead letters of the sink", sinks_broken, broken)


def final_sessions(events: Iterable[Event]) -> tuple[dict[str, SessionFeatures], dict[str, SessionFeatures]]:
    """The same fold without Kafka: each session while it was open, and as it is in the end."""
    visitors: dict[str, Visitor] = {}
    newest: dict[str, datetime] = {}
    for each in events:
        visitors.setdefault(each.visitor_id, Visitor(each.visitor_id)).observe(each)
        newest[each.write_key] = max(each.occurred_at, newest.get(each.write_key, each.occurred_at))
    still_open: dict[str, SessionFeatures] = {}
    final: dict[str, SessionFeatures] = {}
    for visitor in visitors.values():
        opened = [features_of(visitor, session, "") for session in visitor.sessions]
        still_open |= {each.session_id: each for each in opened}
        if opened:
            visitor.close_until(newest[opened[0].write_key])
        final |= {each.session_id: each for each in (features_of(visitor, one, "") for one in visitor.sessions)}
    return still_open, final


def _compare_sessions(difference: Difference, rig: Rig, name: str, events: list[Event]) -> None:
    still_open, final = final_sessions(events)
    columns = ", ".join(FEATURES)
    stored = {row[0]: row for row in rig.query(f"select {columns} from sessions where write_key = %s", name)}
    for session_id, features in final.items():
        expected = [getattr(features, column) for column in FEATURES]
        _compare_row(difference, f"session {session_id}", FEATURES, stored.get(session_id), expected)
    for session_id in stored.keys() - final.keys():
        difference.differs(f"session {session_id} was never held", doubled=1)
    _compare_decisions(difference, rig, name, still_open)
    _compare_outcomes(difference, rig, name, final)


def _compare_decisions(difference: Difference, rig: Rig, name: str, still_open: dict[str, SessionFeatures]) -> None:
    scorer = Scorer.load(None)
    sessions = list(still_open.values())
    rows = rig.query(
        f"""select distinct on (predictions.session_id) predictions.session_id, incentive_id,
            {", ".join(f"predictions.{column}" for column in DECIDED)},
            sessions.likelihood, sessions.persona, sessions.style, personas.persona, personas.style,
            because, budget, budget_day, cost
        from predictions
        inner join sessions using (session_id)
        inner join personas using (session_id)
        where sessions.write_key = %s
        order by predictions.session_id, predictions.event_count desc, predictions.decided_at desc""",
        name,
    )
    stored = {row[0]: row for row in rows}
    for features, scores in zip(sessions, scorer.score(sessions), strict=True):
        what = f"latest decision of session {features.session_id}"
        row = stored.get(features.session_id)
        if row is None:
            difference.differs(f"{what} is missing", lost=1)
            continue
        *others, because, budget, day, cost = row
        purse = PurseAsTold(row[1], because, day)
        made = decide(features, scores, rig.policy, now=features.last_seen_at, purse=purse)
        latest = [made.likelihood, made.persona, made.style, made.persona, made.style]
        offer, charge = (made.incentive.incentive_id, made.incentive.charge) if made.incentive else (None, None)
        paid = [None, None] if charge is None else [charge.budget, charge.cost]
        expected = [features.session_id, offer, *(getattr(made, column) for column in DECIDED), *latest]
        names = ["session_id", "incentive_id", *DECIDED, *COPIES, "because", "budget", "cost"]
        told = [*others, tuple(because), budget, None if cost is None else float(cost)]
        _compare_row(difference, what, names, tuple(told), [*expected, made.because, *paid])


class PurseAsTold:
    """The purse that a stored decision says it had: what it offered could be paid, what it passed over could not.

    So a decision must be the policy's, whatever the purse had left at that moment.
    """

    def __init__(self, offered: str | None, because: Sequence[str], day: date | None) -> None:
        self._offered = offered
        self._because = because
        self._day = day

    def why_not(self, incentive_id: str, budget: Budget, cost: float) -> str | None:
        if incentive_id == self._offered:
            return None
        refusals = [text.partition(": ")[2] for text in self._because]
        known = [reason.format(budget.name) for reason in (SPENT, UNKNOWN)]
        return next((refusal for refusal in refusals if refusal in known), "the decision does not say why")

    def pay(self, incentive_id: str, budget: Budget, cost: float) -> Charge | None:
        return Charge(budget=budget.name, day=self._day or date.min, cost=cost)


SPENT: Final = "the budget `{}` is spent for today"
UNKNOWN: Final = "what is left of the budget `{}` is not known at this moment"


def compare_budgets(rig: Rig, offers: Mapping[str, Decision], erased: Erased) -> Difference:
    """What was offered, on the topic and in Postgres, against what the policy's budgets allow for a day.

    Who was erased was offered something all the same, and nothing of it is stored.
    """
    difference = Difference()
    costs: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    kept: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for made in list(offers.values()):
        if made.incentive is not None and (charge := made.incentive.charge) is not None:
            costs[charge.budget, charge.day] += exact(charge.cost)
            if not erased.covers(made):
                kept[charge.budget, charge.day] += exact(charge.cost)
    days = {
        (budget, day): (reserved, offered, is_kept)
        for budget, day, reserved, offered, is_kept in rig.query(BUDGET_DAYS)
    }
    for (budget, day), cost in costs.items():
        allowed = exact(rig.policy.budgets[budget].per_day)
        reserved, stored, is_kept = days.get((budget, day), (Decimal(0), Decimal(0), False))
        left = kept[budget, day]
        what = (
            f"budget {budget} of {day}: {cost} offered, {left} of it to people not erased, {stored} stored, "
            f"{reserved} set aside, {allowed} allowed"
        )
        if not (left == stored and cost <= reserved <= allowed and is_kept):
            difference.differs(what, lost=int(left > stored), doubled=int(cost > reserved or reserved > allowed))
    for budget, day in days.keys() - costs.keys():
        if days[budget, day][1]:
            difference.differs(f"budget {budget} of {day}: offers are stored that nobody made", doubled=1)
    return difference


BUDGET_DAYS: Final = """select budget_day.budget, day, reserved, coalesce(sum(cost), 0), bool_and(is_kept)
from budget_day
inner join budget_by_day using (budget, day)
left join incentives on incentives.budget = budget_day.budget and incentives.budget_day = budget_day.day
group by budget_day.budget, day, reserved"""


def _compare_outcomes(difference: Difference, rig: Rig, name: str, final: dict[str, SessionFeatures]) -> None:
    columns = ["session_id", "closed_at", "event_count", "purchase_count", "revenue"]
    stored = {row[0]: row for row in rig.query(f"select {', '.join(columns)} from outcome where write_key = %s", name)}
    closed = {key: each for key, each in final.items() if each.closed_at is not None}
    for session_id, features in closed.items():
        expected = [getattr(features, column) for column in columns]
        _compare_row(difference, f"outcome of session {session_id}", columns, stored.get(session_id), expected)
    for session_id in stored.keys() - closed.keys():
        difference.differs(f"outcome of session {session_id}, which did not end", doubled=1)


def _compare_row(
    difference: Difference, what: str, names: Sequence[str], row: tuple[Any, ...] | None, expected: Sequence[Any]
) -> None:
    if row is None:
        difference.differs(f"{what} is missing", lost=1)
        return
    unlike = [
        f"{name} is {stored!r}, not {right!r}"
        for name, stored, right in zip(names, row, expected, strict=True)
        if stored != right
    ]
    if unlike:
        difference.differs(f"{what}: {'; '.join(unlike)}")
