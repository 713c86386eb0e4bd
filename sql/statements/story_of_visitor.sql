-- One row per event of a visitor, in order of time.
select
    message_id,
    write_key,
    visitor_id,
    user_id,
    event_name,
    occurred_at,
    received_at,
    properties::text as properties,
    context::text as context,
    consent,
    privacy_signals,
    bot_score,
    session_id
from events
where visitor_id = %(visitor_id)s
order by occurred_at, message_id
