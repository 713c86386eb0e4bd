"""A session as it stood after one of its events: what moved its likelihood, and what each rule of the policy said to it. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from models.decide import barred, decide
from models.features import NAMES, matrix
from models.policy import Policy, Rule
from models.reasons import REASONS
from models.refold import refold
from models.serving import Scorer, Scores
from models.visitor import GAP


class Credit(NamedTuple):
    """How one of `REASONS` moved the raw output."""

    name: str
    words: str | None
    """None when nothing is known of it: then what is not known moved the score."""
    credit: float
    """In units of the raw output: a share of buyers for a random forest, log-odds for boosted trees."""
    known: tuple[tuple[str, float], ...]
    """The features that it stands for, as the model saw them; NaN where they are not known."""


class Verdict(NamedTuple):
    """What a rule said to the session."""

    rule: Rule
    unmet: tuple[str, ...]
    """Its conditions that do not hold, in words; none when it fits."""


class Explanation(NamedTuple):
    """All that led to a decision."""

    features: SessionFeatures
    scores: Scores
    credits: tuple[Credit, ...]
    """The strongest first; those without any effect are left out. None after a purchase, when the model is not asked."""
    raw: float
    verdicts: tuple[Verdict, ...]
    """The rules that were asked, in the order of the policy: the last one decided, if it fits. None where nobody may be offered anything."""
    decision: Decision


def explanation(
    session_id: str, events: Sequence[Event], scorer: Scorer, policy: Policy, gap: timedelta = GAP
) -> Explanation | None:
    """What the pipeline says of a session once the visitor's `events`, in the order of time, have happened.

    `events` are those of all sessions of the visitor until then, since earlier ones are the session's history. None when they have
    no such session.
    """
    told = refold(events[0].visitor_id, events, gap).newest.get(session_id) if events else None
    if not told:
        return None
    features = told[-1].features
    (scores,) = scorer.score([features])
    rows = matrix([features])
    return Explanation(
        features=features,
        scores=scores,
        credits=()
        if features.purchase_count
        else _credits(features, rows[0].tolist(), scorer.credits(rows)[0].tolist()),
        raw=float(scorer.raw(rows)[0]),
        verdicts=() if barred(features, scores) else _verdicts(features, scores, policy),
        decision=decide(features, scores, policy, now=features.received_at),
    )


def _credits(features: SessionFeatures, row: Sequence[float], credits: Sequence[float]) -> tuple[Credit, ...]:
    values = dict(zip(NAMES, row, strict=True))
    told = [
        Credit(reason.name, reason.words(features), credit, tuple((name, values[name]) for name in reason.features))
        for reason, credit in zip(REASONS, credits, strict=True)
        if credit
    ]
    return tuple(sorted(told, key=lambda each: -abs(each.credit)))


def _verdicts(features: SessionFeatures, scores: Scores, policy: Policy) -> tuple[Verdict, ...]:
    verdicts = []
    for rule in policy.rules:
        verdicts.append(Verdict(rule, rule.unmet(features, scores)))
        if not verdicts[-1].unmet:
            break
    return tuple(verdicts)
