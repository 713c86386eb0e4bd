-- One row per row that came before the session that covers it was told, or before the session reached so far.
update events
set session_id = sessions.session_id
from staged_session
inner join sessions on sessions.session_id = staged_session.session_id
where
    events.session_id is null
    and events.visitor_id = sessions.visitor_id
    and events.occurred_at between sessions.started_at and sessions.last_seen_at;

update conversions
set session_id = sessions.session_id
from staged_session
inner join sessions on sessions.session_id = staged_session.session_id
where
    conversions.session_id is null
    and conversions.visitor_id = sessions.visitor_id
    and conversions.occurred_at between sessions.started_at and sessions.last_seen_at;

update interactions
set session_id = sessions.session_id
from staged_session
inner join sessions on sessions.session_id = staged_session.session_id
where
    interactions.session_id is null
    and interactions.visitor_id = sessions.visitor_id
    and interactions.occurred_at between sessions.started_at and sessions.last_seen_at;
