-- One row per event of a session that has closed, each visitor's together and in order of time: what is still open may yet buy.
select
    events.message_id,
    events.write_key,
    events.visitor_id,
    events.user_id,
    events.event_name,
    events.occurred_at,
    events.received_at,
    events.properties::text as properties,
    events.context::text as context,
    events.consent,
    events.privacy_signals,
    events.bot_score
from events
join sessions using (session_id)
where
    sessions.closed_at is not null
    and (hashtext(events.visitor_id) & 2147483647) %% %(parts)s = %(part)s
order by events.visitor_id, events.occurred_at, events.message_id
