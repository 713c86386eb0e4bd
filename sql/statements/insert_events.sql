-- One row per event that is new, in its session where that is known already.
insert into events (
    write_key, message_id, visitor_id, user_id, session_id, event_name, occurred_at, received_at, properties, context,
    consent, privacy_signals, bot_score
)
select
    staged_event.write_key,
    staged_event.message_id,
    staged_event.visitor_id,
    staged_event.user_id,
    covering.session_id,
    staged_event.event_name,
    staged_event.occurred_at,
    staged_event.received_at,
    staged_event.properties,
    staged_event.context,
    staged_event.consent,
    staged_event.privacy_signals,
    staged_event.bot_score
from staged_event
-- Sessions of a visitor do not overlap, except one that an event came too late for: then the later start is the narrower.
left join lateral (
    select session_id
    from sessions
    where
        sessions.visitor_id = staged_event.visitor_id
        and staged_event.occurred_at between sessions.started_at and sessions.last_seen_at
    order by sessions.started_at desc
    limit 1
) as covering on true
on conflict (write_key, message_id) do nothing;
