-- One row at most: a session as it stands, found also by an id that it had before.
select session_id, visitor_id, started_at, last_seen_at, closed_at, event_count, cart_value, likelihood, persona, style
from sessions
where session_id = coalesce(
    (select replaced_by from replaced_session where session_id = %(session_id)s),
    %(session_id)s
)
