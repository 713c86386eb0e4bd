-- One row per session that closed: the last outcome holds.
insert into outcome
select *
from staged_outcome
on conflict (session_id) do update set
    user_id = excluded.user_id,
    write_key = excluded.write_key,
    started_at = excluded.started_at,
    last_seen_at = excluded.last_seen_at,
    closed_at = excluded.closed_at,
    event_count = excluded.event_count,
    has_purchased = excluded.has_purchased,
    purchase_count = excluded.purchase_count,
    revenue = excluded.revenue,
    abandoned_cart_value = excluded.abandoned_cart_value
where excluded.event_count >= outcome.event_count;
