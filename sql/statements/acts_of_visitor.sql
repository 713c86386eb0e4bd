-- One row per item that a visitor touched or took out of the cart since then, newest first; of the visitor's newest events only.
select
    item ->> 'item_id' as item_id,
    event_name,
    occurred_at,
    case when jsonb_typeof(item -> 'quantity') = 'number' then (item ->> 'quantity')::numeric else 1 end as quantity
from (
    select event_name, occurred_at, properties
    from events
    where visitor_id = %(visitor_id)s and occurred_at >= %(since)s
    order by occurred_at desc
    limit %(most_events)s
) as newest
cross join lateral jsonb_array_elements(
    case when jsonb_typeof(properties -> 'items') = 'array' then properties -> 'items' end
) as item
where
    event_name in ('view_item', 'add_to_cart', 'remove_from_cart', 'purchase')
    and length(item ->> 'item_id') between 1 and 128
order by occurred_at desc
limit %(most_events)s
