-- One row per minute of the last six hours: events that ingest received.
create view event_rate_by_minute as
select
    date_bin(interval '1 minute', received_at, timestamptz '2000-01-01 00:00+00') as minute,
    count(*) as events,
    count(*) / 60.0::double precision as events_per_second
from events
where received_at > now() - interval '6 hours'
group by 1;
