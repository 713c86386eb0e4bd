-- One row per event name: events received in the last 24 hours, without those of known bots.
create view events_by_name as
select
    event_name,
    count(*) as events,
    count(*)::double precision / sum(count(*)) over () as share,
    max(received_at) as last_received_at
from events
where received_at > now() - interval '24 hours' and coalesce(bot_score, 0) < 0.5
group by event_name;
