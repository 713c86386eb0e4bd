-- One row per item that a person looked at, put into the cart or bought, each time: what recommendations are made of. Without those who refused.
create view item_touches as
select
    events.visitor_id,
    events.session_id,
    item ->> 'item_id' as item_id,
    events.event_name,
    events.occurred_at,
    events.received_at
from events
inner join human_sessions on human_sessions.session_id = events.session_id
-- What a sender wrote in place of a list stays as it came.
cross join lateral jsonb_array_elements(
    case when jsonb_typeof(events.properties -> 'items') = 'array' then events.properties -> 'items' end
) as item
where
    events.event_name in ('view_item', 'add_to_cart', 'purchase')
    and events.consent is distinct from 'refused'
    and length(item ->> 'item_id') between 1 and 128;
