-- One row per shop (write key) and user: all that they did on every device that named them, without sessions of bots.
create view customers as
select
    write_key,
    user_id,
    count(distinct visitor_id) as visitors,
    array_agg(distinct visitor_id) as visitor_ids,
    count(*) as sessions,
    sum(event_count) as events,
    count(*) filter (where purchase_count > 0) as converted_sessions,
    sum(purchase_count) as purchases,
    sum(revenue) as revenue,
    min(started_at) as first_seen_at,
    max(last_seen_at) as last_seen_at
from human_sessions
where user_id is not null
group by write_key, user_id;
