-- One row: what became of the events, received since then, whose message ids begin with the run's prefix.
with stored as (
    select message_id, visitor_id
    from events
    where received_at >= %(since)s and starts_with(message_id, %(prefix)s)
),
dead as (
    select
        message_id,
        message_id in (select message_id from stored) as is_stored
    from dead_letter
    where received_at >= %(since)s and starts_with(message_id, %(prefix)s)
),
decided as (
    select
        decided_at,
        extract(epoch from decided_at - received_at)::double precision * 1000 as latency_ms
    from predictions
    where decided_at >= %(since)s and visitor_id in (select visitor_id from stored)
)
select
    (select count(*) from stored) as stored_rows,
    (select count(distinct message_id) from stored) as stored,
    (select count(*) from dead where not is_stored) as dead_letter_rows,
    (select count(distinct message_id) from dead where not is_stored) as dead_lettered,
    (select count(distinct message_id) from dead where is_stored) as stored_and_dead_lettered,
    (select coalesce(sum((erased_rows ->> 'events')::bigint), 0)::bigint from erasure where erased_at >= %(since)s) as erased,
    (select count(*) from sessions where visitor_id in (select visitor_id from stored)) as sessions,
    count(*) as decisions,
    min(decided_at) as first_decided_at,
    percentile_cont(array[0.5, 0.95, 0.99]) within group (order by latency_ms) as latency_ms
from decided
