"""What is wrong with an installation: settings, Kafka, Postgres, each service, lag and dead letters, with each repair."""

import ipaddress
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from contracts.topics import TOPICS, Topic
from runtime.settings import ALL, ConsoleSettings, KafkaSettings, PostgresSettings, SettingsError
from shopstream.doctor_models import drift_findings, model_findings
from shopstream.finding import Finding
from shopstream.pipeline import Pipeline
from shopstream.probes import Figures, figures_at, ready_check, samples_at

MOST_LAG: Final = 10_000
"""A step this many records behind is not keeping up."""
KAFKA_REPAIR: Final = "shopstream up, or docker compose up -d kafka with SHOPSTREAM_KAFKA_BROKERS=localhost:9094"
ASK_FOR_S: Final = 10.0
"""The console finds its connection dead and then no new one, three seconds each, when Postgres is frozen."""
OPTIONAL: Final = frozenset({"storefront"})
"""A demo: an installation may live without it."""


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every finding, in the order of an event's way."""
    wrong = list(settings_findings(environ))
    yield from wrong or [Finding("settings", "ok", "all can be read")]
    if not any(each.subject == "Kafka settings" for each in wrong):
        yield from kafka_findings(KafkaSettings.from_environ(environ))
    if not any(each.subject == "Postgres settings" for each in wrong):
        yield from postgres_findings(PostgresSettings.from_environ(environ))
    if not wrong:
        pipeline = Pipeline.from_environ(environ)
        yield from console_findings(pipeline.console)
        yield from service_findings(pipeline)


def settings_findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What cannot be read; nothing when all can."""
    for group in ALL:
        try:
            group.from_environ(environ)
        except SettingsError as error:
            yield Finding(
                f"{group.step().title()} settings", "problem", str(error), "correct the variable; docs/settings.md"
            )


def kafka_findings(settings: KafkaSettings) -> Iterator[Finding]:
    """Whether a broker answers and has the declared topics as declared."""
    from kafka.errors import KafkaError

    from runtime.kafka import KafkaUnreachable, admin, configs_of_topics, declared_topics

    try:
        client = admin(settings, timeout_ms=3_000)
    except KafkaUnreachable as error:
        yield Finding("Kafka", "problem", str(error), KAFKA_REPAIR)
        return
    try:
        described = client.describe_topics([topic.name for topic in TOPICS])
        present = {each["name"]: len(each["partitions"]) for each in described if not each["error_code"]}
        configs = configs_of_topics(client, [topic for topic in TOPICS if topic.name in present])
    except KafkaError as error:
        yield Finding("Kafka", "problem", f"it answers but cannot describe topics: {error}", "see the broker's log")
        return
    finally:
        client.close()
    yield Finding("Kafka", "ok", f"answers at {', '.join(settings.brokers)}")
    yield from topic_findings(present, declared_topics(settings))
    yield from topic_config_findings(configs, settings.replication_factor)


def topic_findings(partitions: Mapping[str, int], declared: Sequence[Topic] = TOPICS) -> Iterator[Finding]:
    """Compare the topics that Kafka has, with their number of partitions, with those that are declared."""
    missing = [topic.name for topic in declared if topic.name not in partitions]
    other = [topic for topic in declared if partitions.get(topic.name, topic.partitions) != topic.partitions]
    if missing:
        yield Finding("topics", "problem", f"missing: {', '.join(missing)}", "shopstream topics create")
    for topic in other:
        yield Finding(
            "topics",
            "problem",
            f"{topic.name} has {partitions[topic.name]} partitions and is declared with {topic.partitions}; "
            "one visitor's records would be on partitions of different numbers",
            "set SHOPSTREAM_KAFKA_PARTITIONS to what the topics have, or build anew beside them (docs/growing.md)",
        )
    if not missing and not other:
        yield Finding("topics", "ok", f"all {len(declared)} are there, as declared")


def topic_config_findings(configs: Mapping[str, Mapping[str, str]], replication_factor: int) -> Iterator[Finding]:
    """Topics that lose records before their time: made by somebody else, or altered. Nothing where Kafka tells no settings."""
    from runtime.kafka import config_of

    for topic in TOPICS:
        wanted, found = config_of(topic, replication_factor), configs.get(topic.name, {})
        kept_ms = int(found.get("retention.ms", -1))
        wrong = [
            name
            for name, is_wrong in (
                ("cleanup.policy", "compact" in found.get("cleanup.policy", "")),
                ("retention.ms", 0 <= kept_ms < int(wanted["retention.ms"])),
                (
                    "min.insync.replicas",
                    int(found.get("min.insync.replicas", 2**15)) < int(wanted["min.insync.replicas"]),
                ),
            )
            if is_wrong
        ]
        if wrong:
            told, right = (",".join(f"{name}={config[name]}" for name in wrong) for config in (found, wanted))
            yield Finding(
                "topics",
                "problem",
                f"{topic.name} has {told}: records are lost before their time",
                f"kafka-configs.sh --alter --topic {topic.name} --add-config {right}",
            )


def postgres_findings(settings: PostgresSettings) -> Iterator[Finding]:
    """Whether Postgres answers, has this version's schema, and which dead letters came in the last hour."""
    import psycopg2

    from sql import files
    from sql.connection import PostgresUnreachable, connect
    from sql.migrate import SchemaError, outdated_views, require_current

    try:
        connection = connect(settings.dsn, timeout_s=3)
    except PostgresUnreachable as error:
        yield Finding("Postgres", "problem", str(error), "docker compose up -d postgres, or shopstream up")
        return
    try:
        yield Finding("Postgres", "ok", f"answers at {connection.info.host}:{connection.info.port}")
        try:
            require_current(connection)
        except SchemaError as error:
            yield Finding("schema", "problem", str(error), "shopstream migrate")
            return
        if outdated := outdated_views(connection):
            text = f"views that are missing or not of this version: {', '.join(outdated)}"
            yield Finding("schema", "problem", text, "shopstream migrate")
        else:
            yield Finding("schema", "ok", "current")
        with connection, connection.cursor() as cursor:
            cursor.execute(files.statement("dead_letters_last_hour"))
            yield from dead_letter_findings(cursor.fetchall())
            cursor.execute(files.statement("currencies_last_day"))
            yield from currency_findings(cursor.fetchall())
    except psycopg2.Error as error:
        reason = " ".join(str(error).split())
        repair = "see its log; grant this user what it needs, or set SHOPSTREAM_POSTGRES_DSN"
        yield Finding("Postgres", "problem", f"it answers and refuses what we ask: {reason}", repair)
    finally:
        connection.close()


def dead_letter_findings(rows: list[tuple[str, str, int, str]]) -> Iterator[Finding]:
    """Dead letters by stage and code. Those of ingest are the senders' doing; those of a later step are ours."""
    for stage, code, count, message in rows:
        yield Finding(
            "dead letters",
            "note" if stage == "ingest" else "problem",
            f"{count} of {stage} in the last hour, {code}: {message}",
            "correct the sender; shopstream dlq fix and replay bring them in"
            if stage == "ingest"
            else f"see the log of {stage}, then shopstream dlq replay",
        )
    if not rows:
        yield Finding("dead letters", "ok", "none in the last hour")


def currency_findings(rows: Sequence[tuple[str, int]]) -> Iterator[Finding]:
    """Currencies with their purchases. Amounts are added as they are, so that one is well and several are not."""
    if len(rows) > 1:
        told = ", ".join(f"{currency} ({count})" for currency, count in rows)
        yield Finding(
            "currencies",
            "note",
            f"purchases of the last 24 hours came in {told}; revenue and carts add their amounts as if they were one",
            "send amounts in the shop's own currency; by currency they are in table conversions",
        )


def console_findings(console: ConsoleSettings) -> Iterator[Finding]:
    """Who may open the console, once others than this machine's users can reach it."""
    is_reached = bool(console.hosts) or not is_loopback(console.host)
    if is_reached and not console.password:
        yield Finding(
            "console",
            "note",
            "it is reached from beyond this machine and has no password: whoever reaches it sees every session",
            "set SHOPSTREAM_CONSOLE_PASSWORD, or let nothing but /api/decisions/* of it through",
        )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def service_findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Whether each service is ready, and how far the readers are behind."""
    urls = pipeline.urls()
    with ThreadPoolExecutor(max_workers=len(urls)) as pool:
        asked = pool.map(lambda url: ready_check(url, timeout_s=ASK_FOR_S)(), urls.values())
        problems = dict(zip(urls, asked, strict=True))
    for name, problem in problems.items():
        if problem is None:
            yield Finding(name, "ok", f"ready at {urls[name]}")
        else:
            yield Finding(name, "note" if name in OPTIONAL else "problem", problem, service_repair(name, problem))
    if (figures := figures_at(urls["ingest"])) is not None:
        yield spool_finding(figures)
    for step in ("process", "persist"):
        if problems[step] is None:
            figures = figures_at(urls[step])
            yield lag_finding(step, None if figures is None else figures.get(f"{step}_lag_records", math.nan))
    served = samples_at(urls["process"], "process_model_info") or []
    yield from model_findings(pipeline.process, {labels["role"]: labels["version"] for labels, _ in served})
    yield from drift_findings(samples_at(urls["process"], "process_feature_psi") or [])


def service_repair(name: str, problem: str) -> str:
    """What brings a service back: one that runs and says what it lacks would only have its port taken by a second one."""
    if problem.endswith("(timed out)"):
        return f"restart shopstream {name}; its log says where it hangs"
    if problem.startswith(("nothing answers", "something else answers")):
        return f"shopstream {name}"
    if problem.startswith("streams:"):
        return "nothing, for a moment: it joins and recovers by itself; after a minute see its log"
    return "put that right, and it goes on by itself; else see its log"


def spool_finding(figures: Figures) -> Finding:
    """What ingest holds that Kafka does not have yet."""
    events, kept = figures.get("ingest_spool_events", 0.0), figures.get("ingest_spool_kept_files", 0.0)
    waits = (
        f"{events:,.0f} events wait for Kafka, the oldest for {figures.get('ingest_spool_oldest_seconds', 0.0):,.0f} s"
    )
    if kept:
        return Finding(
            "ingest spool",
            "problem",
            f"{kept:.0f} files in it cannot be drained, being damaged or refused by Kafka; {waits}",
            "see ingest's log and docs/decisions/0007-ingest-spool.md",
        )
    if events and not figures.get("ingest_kafka_up"):
        return Finding("ingest spool", "problem", waits, "bring Kafka back; the spool then drains by itself")
    return Finding("ingest spool", "note" if events else "ok", waits if events else "empty")


def lag_finding(step: str, lag: float | None) -> Finding:
    subject = f"{step} lag"
    if lag is None:
        return Finding(subject, "problem", "its metrics cannot be read", f"restart shopstream {step}")
    if math.isnan(lag):
        return Finding(
            subject, "note", "not measured yet, or it stands by without partitions", "look again in a few seconds"
        )
    if lag > MOST_LAG:
        return Finding(
            subject, "problem", f"{lag:,.0f} records behind", f"see its log; start more of shopstream {step}"
        )
    return Finding(subject, "ok", f"{max(0.0, lag):,.0f} records")
