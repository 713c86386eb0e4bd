-- One row: how many events `own_history` has.
select count(*)
from events
join sessions using (session_id)
where
    sessions.closed_at is not null
    and (hashtext(events.visitor_id) & 2147483647) %% %(parts)s = %(part)s
