-- One row per staged row that tells of a time whose visitor was erased since: it is not stored. Events are counted as erased.
-- An outcome does not say when its events were received, and ends as it was then at the latest.
with gone as (
    delete from staged_event
    using erasure
    where
        erasure.visitor_digest = encode(sha256(convert_to(staged_event.visitor_id, 'UTF8')), 'hex')
        and staged_event.received_at <= erasure.erased_at
    returning erasure.erasure_id
),
counted as (
    select
        erasure_id,
        count(*) as event_count
    from gone
    group by erasure_id
)
update erasure
set erased_rows = jsonb_set(
    erasure.erased_rows, '{events}', to_jsonb(coalesce((erasure.erased_rows ->> 'events')::bigint, 0) + counted.event_count)
)
from counted
where erasure.erasure_id = counted.erasure_id;

-- An interaction is an event as well, by the same id.
delete from staged_interaction
using erasure
where
    erasure.visitor_digest = encode(sha256(convert_to(staged_interaction.visitor_id, 'UTF8')), 'hex')
    and not exists (
        select from staged_event
        where
            staged_event.write_key = staged_interaction.write_key
            and staged_event.message_id = staged_interaction.message_id
    );

delete from staged_conversion
using erasure
where
    erasure.visitor_digest = encode(sha256(convert_to(staged_conversion.visitor_id, 'UTF8')), 'hex')
    and staged_conversion.received_at <= erasure.erased_at;

delete from staged_session
using erasure
where
    erasure.visitor_digest = encode(sha256(convert_to(staged_session.visitor_id, 'UTF8')), 'hex')
    and staged_session.received_at <= erasure.erased_at;

delete from staged_prediction
using erasure
where
    erasure.visitor_digest = encode(sha256(convert_to(staged_prediction.visitor_id, 'UTF8')), 'hex')
    and staged_prediction.received_at <= erasure.erased_at;

delete from staged_outcome
using erasure
where
    erasure.visitor_digest = encode(sha256(convert_to(staged_outcome.visitor_id, 'UTF8')), 'hex')
    and staged_outcome.last_seen_at <= erasure.erased_at;

delete from staged_dead_letter
using erasure
where
    erasure.visitor_digest = encode(sha256(convert_to(staged_dead_letter.visitor_id, 'UTF8')), 'hex')
    and staged_dead_letter.received_at <= erasure.erased_at;
