-- One row per event, a visitor's together and in the order that the fold wants them, seen as of one moment.
select
    message_id,
    write_key,
    visitor_id,
    user_id,
    event_name,
    occurred_at,
    received_at,
    properties,
    context,
    consent,
    bot_score
from events
order by visitor_id, occurred_at, message_id
