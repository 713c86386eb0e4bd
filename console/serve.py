"""Hop 9. `shopstream console`: the app on its port, fed by the log, until SIGTERM."""

import logging
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from starlette.concurrency import run_in_threadpool

from console.api_routes import Predict
from console.app import create_app
from console.board import DecisionBoard, Posted
from console.connections import MOST_CONNECTIONS, BoundedConnection, Bounds
from console.database import Database
from console.follow import DecisionFollower
from console.guard import require_long
from console.recommendations import Recommendations
from console.recommender import RecommenderThread
from contracts.http import PredictAnswer, PredictRequest
from models.follower import ModelFollower
from models.policy import Policy, PolicyError
from models.predict import predict
from models.prior import Prior
from models.registry import Registry
from models.serving import ModelMismatch
from runtime.logs import configure_logging
from runtime.open_files import allow_connections
from runtime.server import Server
from runtime.settings import ConsoleSettings, KafkaSettings, PostgresSettings, ProcessSettings, SettingsError
from runtime.stopping import stop_on_signals
from runtime.tokens import DecisionTokens

log = logging.getLogger(__name__)

STOP_WITHIN_S: Final = 2
KEPT_FOR_PEOPLE: Final = 256
"""Connections that streams leave for pages, health checks and tokens."""
LOOK_AGAIN: Final = timedelta(seconds=1)
"""The registry is looked at no more often, and only when somebody asks for a prediction."""


class ConsoleServer(Server):
    """Ends the open streams before it waits for connections to close: they would never close by themselves."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, board: DecisionBoard) -> None:
        super().__init__(config, stop)
        self._board = board

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._board.close()
        await super().shutdown(sockets)


def serve(console: ConsoleSettings, kafka: KafkaSettings, postgres: PostgresSettings, process: ProcessSettings) -> int:
    """Run until SIGTERM or SIGINT; the exit code. Kafka and Postgres may come, go and come back meanwhile.

    Raises `SettingsError`.
    """
    try:
        tokens = DecisionTokens(console.token_secret, console.token_ttl_s)
        require_long(console.password)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    configure_logging("console")
    listener = _listener(console)
    if listener is None:
        return 1
    stop = stop_on_signals()  # uvicorn raises the signal again after it has stopped; this makes that harmless
    connections = allow_connections(MOST_CONNECTIONS)
    board = DecisionBoard(opened_at=_now(), max_streams=max(1, connections - KEPT_FOR_PEOPLE))
    database = Database(postgres.dsn)
    servers: list[ConsoleServer] = []

    def take(batch: list[Posted]) -> None:
        board.take(batch, _now())

    def exit_soon() -> None:
        servers[0].should_exit = True

    follower = DecisionFollower(kafka, take, exit_soon)
    recommender = RecommenderThread(postgres.dsn, console, _now)
    # Connections of their own: however many shoppers ask, people still see the console.
    for_shoppers = Database(postgres.dsn)
    recommendations = (
        Recommendations(for_shoppers, recommender.latest, console.recommend_days)
        if console.recommend_refresh_s
        else None
    )

    @asynccontextmanager
    async def following() -> AsyncIterator[None]:
        follower.start()
        if recommendations is not None:
            recommender.start()
        log.info("the console is at http://%s:%d", *listener.getsockname()[:2])
        yield
        await follower.stop()
        await run_in_threadpool(recommender.stop)
        database.close()
        for_shoppers.close()

    app = create_app(
        console.allowed_origins,
        tokens,
        board,
        database,
        predictor(process),
        {"kafka": follower.problem, "postgres": database.problem},
        _now,
        following,
        hosts=(*console.hosts, console.host),
        password=console.password,
        recommendations=recommendations,
    )
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=partial(BoundedConnection, Bounds(connections)),  # type: ignore[arg-type]  # uvicorn only calls it
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    servers.append(ConsoleServer(config, stop, board))
    servers[0].run(sockets=[listener])
    return 1 if follower.has_died else 0


def _now() -> datetime:
    return datetime.now(UTC)


def _listener(console: ConsoleSettings) -> socket.socket | None:
    try:
        family = socket.AF_INET6 if ":" in console.host else socket.AF_INET
        return socket.create_server((console.host, console.port), family=family, backlog=2048)
    except OSError as error:
        log.error(
            "cannot listen on %s:%d (%s); stop what does, or set SHOPSTREAM_CONSOLE_PORT",
            console.host,
            console.port,
            (error.strerror or str(error)).partition(" (")[0],
        )
        return None


def predictor(process: ProcessSettings) -> Predict | None:
    """Answers by the champion of the registry, as the stream processor does. None where nothing can be served."""
    models = ModelFollower(Registry(Path(process.registry_dir)), Path(process.model_dir) if process.model_dir else None)
    models.look()
    looked_at = _now()
    try:
        policy = Policy.load(Path(process.policy_file) if process.policy_file else None)
        if isinstance(models.models.champion, Prior):
            raise ModelMismatch("; ".join(str(each.refused) for each in models.refusals.values()))
    except (ModelMismatch, PolicyError) as error:
        # Decisions of the stream processor must reach the browsers all the same; /api/health says what is missing.
        log.error("/api/predict is off: %s", error)
        return None

    def predicted(request: PredictRequest, now: datetime) -> PredictAnswer:
        nonlocal looked_at
        if now - looked_at > LOOK_AGAIN:
            looked_at = now
            for each in models.look():
                log.log(logging.ERROR if each.refused else logging.INFO, "%s", each)
        champion = models.models.champion
        assert not isinstance(champion, Prior)  # a model in force is never given up for the prior
        return predict(request, champion, policy, now=now)

    return predicted
