"""`shopstream shoppers`: simulated visitors against any ingest."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.settings import IngestSettings
from shopstream.environ import environ
from shopstream.failures import CommandFailed, CommandWronglyCalled
from shopstream.written import require_writable, write_whole

if TYPE_CHECKING:
    from producers.shoppers.report import ShoppersReport

QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Traffic")(shoppers)


def shoppers(
    url: Annotated[str, typer.Option(help="Ingest to send to; the one of this machine when left out.")] = "",
    console: Annotated[str, typer.Option(help="Console whose decisions the shoppers' pages show.")] = "",
    write_key: Annotated[str, typer.Option(help="Write key to send with.")] = "demo",
    at_once: Annotated[int, typer.Option(min=1, help="Shoppers in the shop at the same time.")] = 10,
    count: Annotated[int | None, typer.Option(min=1, help="Visits in total; until stopped when left out.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Most visits begun per second.")] = None,
    pace: Annotated[float, typer.Option(min=0.01, help="2 halves every pause between acts.")] = 1.0,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="The same seed gives the same visits.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write exact counts to this file, while running and at the end.")
    ] = None,
) -> None:
    """Let simulated shoppers walk through the shop, through the real HTTP endpoint."""
    from producers.shoppers.drive import run_shoppers
    from producers.shoppers.report import ShopOptions
    from runtime.stopping import stop_on_signals
    from shopstream.pipeline import url_of
    from shopstream.screen import progress, screen

    stop = stop_on_signals()
    options = ShopOptions(
        ingest_url=url or url_of(IngestSettings.from_environ(environ())),
        console_url=console or None,
        write_key=write_key,
        shoppers=at_once,
        count=count,
        rate=rate,
        pace=pace,
        seed=secrets.randbits(32) if seed is None else seed,
    )
    if report is not None:
        require_writable(report)
    require_somebody_at(options.ingest_url)
    started_at = datetime.now(UTC)
    lines = screen()
    with progress(lines, "shoppers", count, "visits") as bar:

        def tell(state: "ShoppersReport") -> None:
            bar.update(bar.task_ids[0], completed=state.visits, note=f"{state.sent} events, {state.retries} retries")
            if report is not None:
                write_whole(report, encoded(state, started_at, quantiles={}))

        done = run_shoppers(options, stop=stop, on_progress=tell)
    if report is not None:
        write_whole(report, encoded(done, started_at, quantiles=QUANTILES))
    lines.print(
        f"{done.visits} visits sent {done.sent} events: {done.acknowledged} accepted, {done.rejected} dead-lettered, "
        f"{done.failed} never acknowledged; {done.decisions_received} decisions came back"
    )
    if done.failed:
        problems = ", ".join(f"{problem} ({times} times)" for problem, times in done.problems.most_common(3))
        raise CommandFailed(
            f"{done.failed} of {done.sent} events were not acknowledged by {options.ingest_url}: {problems}"
        )


def require_somebody_at(url: str) -> None:
    """Raises `CommandFailed` when nothing listens there: shoppers would try again for ever."""
    from urllib.parse import urlsplit

    from shopstream.ports import port_check

    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        raise CommandWronglyCalled(f"--url {url} is no URL; it takes one like http://127.0.0.1:8080") from None
    if (problem := port_check(parts.hostname or "", port)()) is not None:
        raise CommandFailed(f"{problem}; start ingest there (`shopstream up`), or give another --url")


def encoded(state: "ShoppersReport", started_at: datetime, quantiles: Mapping[str, float]) -> bytes:
    """The counts as `shopstream.account.Sent`, in JSON; latencies only on demand, as they must be sorted."""
    import msgspec

    from shopstream.account import Sent

    first = state.seconds_to_first_decision
    return msgspec.json.encode(
        Sent(
            run_prefix=state.run_prefix,
            sent=state.sent,
            acknowledged=state.acknowledged + state.rejected,
            failed=state.failed,
            retries=state.retries,
            visits=state.visits,
            purchases=state.purchases,
            started_at=started_at,
            seconds_to_first_decision=None if first is None else round(first, 3),
            decisions_received=state.decisions_received,
            latency_ms={name: _rounded(state.latency_ms(share)) for name, share in quantiles.items()},
            problems=dict(state.problems),
        )
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
