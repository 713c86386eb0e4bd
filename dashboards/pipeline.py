"""The pipeline's dashboard: rates of each hop, lag, silence, the visitor store, dead letters, latency, restarts."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from dashboards.panels import lines, number, rows
from dashboards.sources import metric, series, view

DOWN: Final = 'up{job=~"ingest|process|persist|console|storefront"} == 0 or absent(up{job="process"})'
"""Workers are found by name: when none is left, there is none that could be down."""


def pipeline() -> Dashboard:
    board = Dashboard("Shopstream: the pipeline").uid("shopstream-pipeline").tags(["shopstream"]).timezone("browser")
    board = board.readonly().refresh("10s").time("now-1h", "now").tooltip(DashboardCursorSync.CROSSHAIR)
    for part in (_health, _rates, _lag, _spool, _store, _latency, _losses):
        board = part(board)
    return board


def _health(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("At a glance"))
    for title, expr, unit, alarm in (
        ("Services down", f"count({DOWN}) or vector(0)", "short", 1),
        ("Since the last event", "min(process_seconds_since_last_event)", "s", 600),
        ("Since the last row", "min(persist_seconds_since_last_record)", "s", 600),
        ("Waiting to be processed", "sum(max by (topic, partition) (process_lag_records))", "short", 10_000),
        ("Waiting to be stored", "sum(max by (topic, partition) (persist_lag_records))", "short", 10_000),
        ("Decision streams open", "sum(console_streams_open)", "short", None),
    ):
        board = board.with_panel(number(title, metric(expr), unit=unit, alarm=alarm, decimals=0))
    today = view("dead_letters_by_reason", "coalesce(sum(dead_letters_24h), 0) as dead_letters")
    board = board.with_panel(number("Dead letters in 24 hours", today, alarm=1, decimals=0))
    restarts = metric('sum(changes(process_start_time_seconds{job=~"ingest|process|persist|console|storefront"}[1h]))')
    return board.with_panel(number("Restarts in an hour", restarts, alarm=1, decimals=0))


def _rates(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("Rates, hop by hop"))
    hops = lines(
        "Events a second, hop by hop",
        metric("sum(rate(ingest_events_accepted_total[1m]))", "accepted by ingest"),
        metric("sum(rate(process_events_folded_total[1m]))", "folded into sessions"),
        metric("sum(rate(process_decisions_total[1m]))", "decisions"),
        metric('sum(rate(persist_rows_total{table="events"}[1m]))', "events stored"),
        unit="cps",
        description="Accepted, folded and stored run together when nothing waits.",
    )
    stored = lines(
        "Rows stored a second",
        metric("sum by (table) (rate(persist_rows_total[1m]))", "{{table}}"),
        unit="cps",
        is_stacked=True,
    )
    decided = lines(
        "Decisions a second, by incentive",
        metric("sum by (incentive) (rate(process_decisions_total[1m]))", "{{incentive}}"),
        unit="cps",
        is_stacked=True,
    )
    received = lines(
        "Events a second, as stored",
        series("event_rate_by_minute", "events_per_second", at="minute"),
        unit="cps",
        description="What Postgres says ingest received, of the last six hours.",
    )
    return board.with_panel(hops).with_panel(stored).with_panel(decided).with_panel(received)


def _lag(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("Lag and silence"))
    lag = lines(
        "Records waiting",
        metric("sum by (topic) (max by (topic, partition) (process_lag_records))", "to be processed: {{topic}}"),
        metric("sum by (topic) (max by (topic, partition) (persist_lag_records))", "to be stored: {{topic}}"),
        description="Behind the high watermark. A line that only climbs is a consumer that is stuck or too slow.",
    )
    silence = lines(
        "Seconds since the last record",
        metric("max(process_seconds_since_last_event)", "processed"),
        metric("max(persist_seconds_since_last_record)", "stored"),
        metric("max(persist_transaction_age_seconds)", "the sink waits for Postgres"),
        unit="s",
    )
    return board.with_panel(lag).with_panel(silence)


def _spool(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("Ingest and Kafka"))
    waiting = lines(
        "Waiting in ingest's spool",
        metric("sum by (instance) (ingest_spool_events)", "events: {{instance}}"),
        metric("sum by (instance) (ingest_spool_oldest_seconds)", "age of the oldest, s: {{instance}}"),
        span=8,
        description="Acknowledged to senders, on ingest's disk, not in Kafka yet. It drains by itself once Kafka is back.",
    )
    answers = lines(
        "Kafka's acknowledgement",
        *_quantiles("ingest_kafka_seconds"),
        unit="s",
        span=8,
        description="From a batch's first record being handed over to the acknowledgement of the batch.",
    )
    up = lines(
        "Kafka acknowledges",
        metric("min by (instance) (ingest_kafka_up)", "{{instance}}"),
        metric("max(ingest_spool_kept_files)", "files that wait for people"),
        span=8,
        description="1 while Kafka acknowledges what each ingest sends; spool files that are damaged or refused.",
    )
    return board.with_panel(waiting).with_panel(answers).with_panel(up)


def _store(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("The visitor store"))
    visitors = lines(
        "Visitors known",
        metric("sum(process_store_visitors)", "visitors"),
        metric("sum(rate(process_visitors_expired_total[5m])) * 60", "forgotten a minute"),
        span=8,
        description="Visitors with a session of the last day, and the history of those of the last 13 months.",
    )
    size = lines(
        "Size of the store",
        metric("sum(process_store_bytes)", "states"),
        metric('sum(process_resident_memory_bytes{job="process"})', "memory of the workers"),
        unit="bytes",
        span=8,
        description="States are in memory, or on disk with SHOPSTREAM_PROCESS_STORE=rocksdb.",
    )
    recovery = lines(
        "Recovery",
        metric("max by (instance) (process_recovery_seconds)", "{{instance}}"),
        metric("sum by (cause) (increase(process_store_rebuilds_total[1h]))", "rebuilt: {{cause}}"),
        unit="s",
        span=8,
        description="How long the store took to be ready after the last rebalance; rebuilt partitions are counted.",
    )
    return board.with_panel(visitors).with_panel(size).with_panel(recovery)


def _quantiles(histogram: str) -> list[object]:
    return [
        metric(f"histogram_quantile({level / 100}, sum by (le) (rate({histogram}_bucket[1m])))", f"p{level}")
        for level in (50, 95, 99)
    ]


def _latency(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("Latency"))
    board = board.with_panel(
        lines(
            "Ingest request",
            *_quantiles("ingest_request_seconds"),
            unit="s",
            span=8,
            description="From the request's arrival to the answer, Kafka's acknowledgement included.",
        )
    )
    board = board.with_panel(
        lines(
            "Event received to decision",
            series("decision_latency_by_minute", "p50_ms, p95_ms, p99_ms", at="minute"),
            unit="ms",
            span=8,
        )
    )
    return board.with_panel(
        lines(
            "Event received to the browser",
            *_quantiles("console_decision_latency_seconds"),
            unit="s",
            span=8,
            description="From ingest's receipt of the event to the decision's way out over SSE.",
        )
    )


def _losses(board: Dashboard) -> Dashboard:
    board = board.with_row(Row("Dead letters and restarts"))
    rate = lines(
        "Dead letters a minute",
        metric("sum by (code) (rate(ingest_events_rejected_total[5m])) * 60", "ingest: {{code}}"),
        metric("sum by (stage, code) (rate(process_dead_letters_total[5m])) * 60", "{{stage}}: {{code}}"),
        metric("sum by (code) (rate(persist_dead_letters_total[5m])) * 60", "persist: {{code}}"),
        is_stacked=True,
    )
    restarts = lines(
        "Restarts",
        metric("changes(process_start_time_seconds[5m])", "{{job}}"),
        description="How often each service started within five minutes.",
    )
    reasons = view(
        "dead_letters_by_reason",
        "stage, code, dead_letters, dead_letters_24h, first_received_at, last_received_at, latest_message",
        order="last_received_at desc",
    )
    board = board.with_panel(rate).with_panel(restarts)
    turned_away = lines(
        "Turned away a minute",
        metric("sum by (reason) (rate(ingest_connections_refused_total[5m])) * 60", "ingest: {{reason}}"),
        metric("sum by (reason) (rate(console_connections_refused_total[5m])) * 60", "console: {{reason}}"),
        metric("sum by (bound) (rate(console_streams_refused_total[5m])) * 60", "streams: most of the {{bound}}"),
        is_stacked=True,
        description="Connections that ended before a request was whole, and decision streams beyond what there may be.",
    )
    return board.with_panel(rows("Dead letters by reason", reasons)).with_panel(turned_away)
