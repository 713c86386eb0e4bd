-- One row per place that an event has reached, by its message id: events, conversions, dead letters, decisions it led to.
with stored as (
    select * from events where message_id = %(message_id)s
)
select 1 as step, 'ingest' as place, received_at as at, write_key || ' took ' || event_name || ' of visitor ' || visitor_id as what
from stored
union all
select 2, 'decisions', decided_at, 'likelihood ' || round(likelihood::numeric, 3) || ', ' || persona || ', ' || coalesce(incentive_type, 'no incentive')
from predictions
where visitor_id in (select visitor_id from stored) and caused_by = %(message_id)s
union all
select 3, 'events', processed_at, 'stored, session ' || coalesce(session_id, 'not known yet')
from stored
union all
select 4, 'conversions', received_at, 'purchase of ' || revenue || ' ' || coalesce(currency, '')
from conversions
where visitor_id in (select visitor_id from stored) and message_id = %(message_id)s
union all
select 5, 'dead letters', received_at, stage || ' refused it, ' || code || ': ' || message
from dead_letter
where message_id = %(message_id)s
union all
select 6, 'replayed', replayed_at, 'dead letter ' || dead_letter_id || ' became it, ' || coalesce('with fix ' || fix, 'without a fix')
from dead_letter
where replayed_as = %(message_id)s and replayed_at is not null
order by step, at
