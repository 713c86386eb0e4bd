-- One row per visitor of a session whose features came, or who was erased and came again: the sum of all the visitor's sessions.
insert into users (
    visitor_id, user_id, first_seen_at, last_seen_at, session_count, event_count, purchase_count, revenue, device_type
)
select
    sessions.visitor_id,
    (array_agg(sessions.user_id order by sessions.started_at desc) filter (where sessions.user_id is not null))[1] as user_id,
    min(sessions.started_at) as first_seen_at,
    max(sessions.last_seen_at) as last_seen_at,
    count(*) as session_count,
    sum(sessions.event_count) as event_count,
    sum(sessions.purchase_count) as purchase_count,
    sum(sessions.revenue) as revenue,
    (array_agg(sessions.device_type order by sessions.started_at desc))[1] as device_type
from (
    select visitor_id from staged_session
    union
    select visitor_id from staged_erasure
) as touched
inner join sessions on sessions.visitor_id = touched.visitor_id
group by sessions.visitor_id
on conflict (visitor_id) do update set
    user_id = excluded.user_id,
    first_seen_at = excluded.first_seen_at,
    last_seen_at = excluded.last_seen_at,
    session_count = excluded.session_count,
    event_count = excluded.event_count,
    purchase_count = excluded.purchase_count,
    revenue = excluded.revenue,
    device_type = excluded.device_type;
