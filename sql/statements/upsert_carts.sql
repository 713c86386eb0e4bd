-- One row per session that had something in its cart and whose features came.
insert into carts (session_id, visitor_id, value, item_count, state, last_seen_at)
select
    sessions.session_id,
    sessions.visitor_id,
    sessions.cart_value,
    sessions.cart_item_count,
    case
        when sessions.purchase_count > 0 then 'converted'
        when sessions.closed_at is null then 'open'
        else 'abandoned'
    end as state,
    sessions.last_seen_at
from staged_session
inner join sessions on sessions.session_id = staged_session.session_id
where sessions.add_to_cart_count > 0 or sessions.cart_item_count > 0 or sessions.cart_value > 0
on conflict (session_id) do update set
    value = excluded.value,
    item_count = excluded.item_count,
    state = excluded.state,
    last_seen_at = excluded.last_seen_at
where (carts.value, carts.item_count, carts.state, carts.last_seen_at)
    is distinct from (excluded.value, excluded.item_count, excluded.state, excluded.last_seen_at);
