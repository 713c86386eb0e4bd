"""`shopstream explain SESSION --at N`: a session after its Nth event, folded and scored again, beside what was recorded then."""

import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.events import Event
from models.explanation import Credit, Explanation, Verdict, explanation
from models.policy import Policy
from runtime.settings import ProcessSettings
from shopstream.commands.explain import decision_of
from shopstream.environ import environ
from shopstream.failures import CommandFailed
from shopstream.models import scorers_of
from shopstream.own_history import event_of_row

Row = dict[str, Any]


def events_until(rows: Sequence[Row], session_id: str, at: int) -> tuple[list[Event], int]:
    """The visitor's events up to the Nth of the session, from rows of `story_of_visitor.sql`, and how many the session has.

    Raises `CommandFailed` where it has fewer.
    """
    places = [place for place, row in enumerate(rows) if row["session_id"] == session_id]
    if not places:
        raise CommandFailed(f"no event of session {session_id} is in Postgres; it may have been removed to save space")
    if not 1 <= at <= len(places):
        raise CommandFailed(f"session {session_id} has {len(places)} events; --at takes 1 to {len(places)}")
    return [event_of_row(list(row.values())[:-1]) for row in rows[: places[at - 1] + 1]], len(places)


def tell_standing(screen: Console, session_id: str, rows: Sequence[Row], at: int, recorded: Row | None) -> None:
    """Print it. Raises `CommandFailed`, `ModelMismatch`, `RegistryError` and `PolicyError`."""
    settings = ProcessSettings.from_environ(environ())
    events, count = events_until(rows, session_id, at)
    scorers = {each.card.model_version: each for each in reversed(scorers_of(settings))}
    *_, present = scorers.values()
    scorer = scorers.get(recorded["model_version"], present) if recorded else present
    policy = Policy.load(Path(settings.policy_file) if settings.policy_file else None)
    told = explanation(session_id, events, scorer, policy, timedelta(minutes=settings.session_gap_minutes))
    if told is None:
        raise CommandFailed(
            f"the stored events do not give session {session_id} again; "
            "SHOPSTREAM_PROCESS_SESSION_GAP_MINUTES is another than the stream processor's, or older events were removed"
        )
    newest = events[-1]
    page = f" on {newest.context.page_path}" if newest.context.page_path else ""
    screen.print(
        f"session {session_id} of visitor {escape(newest.visitor_id)} after event {at} of {count}: "
        f"{escape(newest.event_name + page)} at {newest.occurred_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    scores = told.scores
    screen.print(
        f"{scores.likelihood:.1%} likely to buy by model {escape(scores.model_version)}; "
        f"{scores.persona} ({scores.persona_confidence:.0%} sure), {scores.style} ({scores.style_confidence:.0%} sure)"
    )
    if told.credits:
        screen.print(_credits(told.credits, told.raw))
    else:
        screen.print(escape("; ".join(scores.because)))
    if told.verdicts:
        screen.print(_verdicts(told.verdicts, policy))
    screen.print(f"so {_outcome(told)}")
    for line in beside(told, recorded, policy):
        screen.print(escape(line))


def _credits(credits: Sequence[Credit], raw: float) -> Table:
    table = Table("moves the score", "because", "what the model saw", title="The likelihood", title_justify="left")
    for each in credits:
        known = ", ".join(f"{name} {'unknown' if math.isnan(value) else f'{value:g}'}" for name, value in each.known)
        table.add_row(f"{each.credit:+.4f}", escape(each.words or f"{each.name}: nothing known"), known)
    rest = raw - sum(each.credit for each in credits)
    table.add_row(f"{rest:+.4f}", "before anything is known", "")
    table.add_row(f"{raw:+.4f}", "together, before calibration", "", style="bold")
    return table


def _verdicts(verdicts: Sequence[Verdict], policy: Policy) -> Table:
    title = f"The rules of policy {policy.version}, until one fits"
    table = Table("rule", "says", "because", title=title, title_justify="left")
    for rule, unmet in verdicts:
        says = "no" if unmet else rule.action.replace("_", " ")
        table.add_row(escape(rule.name), says, escape("; ".join(unmet) or rule.because))
    return table


def _outcome(told: Explanation) -> str:
    incentive = told.decision.incentive
    last_reason = escape(told.decision.because[-1])
    if incentive is None:
        return f"nothing is offered: {last_reason.removeprefix('no incentive: ')}"
    kind = incentive.type.replace("_", " ")
    return f"{kind} is offered" if told.decision.is_offered else f"{kind} is not offered: {last_reason}"


def beside(told: Explanation, recorded: Row | None, policy: Policy) -> list[str]:
    """What was decided then, where it is known, and what differs now."""
    if recorded is None:
        return ["no decision of that moment is recorded: one decision may answer several events that came together"]
    versions = f"model {recorded['model_version']} with policy {recorded['policy_version']}"
    lines = [f"recorded then, by {versions}: {decision_of(recorded)}"]
    scores = told.scores
    if recorded["model_version"] != scores.model_version:
        lines.append(f"that model is not in the registry; the table shows {scores.model_version}")
    elif recorded["likelihood"] != scores.likelihood:
        lines.append(
            "the likelihood differs: events came in another order, or more of them have come since; "
            "`shopstream replay --compare` checks every score in the order of the topics"
        )
    if recorded["policy_version"] != policy.version:
        lines.append(f"that policy is not SHOPSTREAM_PROCESS_POLICY_FILE's; the table shows {policy.version}")
    return lines
