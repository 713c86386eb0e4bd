-- One row per minute of the last three hours: decisions made, and milliseconds from ingest's receipt of the event to the decision.
create view decision_latency_by_minute as
select
    minute,
    decisions,
    percentiles[1] as p50_ms,
    percentiles[2] as p95_ms,
    percentiles[3] as p99_ms
from (
    select
        date_bin(interval '1 minute', decided_at, timestamptz '2000-01-01 00:00+00') as minute,
        count(*) as decisions,
        percentile_cont(array[0.5, 0.95, 0.99]) within group (
            order by extract(epoch from decided_at - received_at)::double precision * 1000
        ) as percentiles
    from predictions
    where decided_at > now() - interval '3 hours'
    group by 1
) as latencies;
