-- One row per minute of the last 24 hours in which a session started: how many, and how many of them have bought since.
create view sessions_by_minute as
select
    date_bin(interval '1 minute', started_at, timestamptz '2000-01-01 00:00+00') as minute,
    count(*) as sessions,
    count(*) filter (where purchase_count > 0) as converted_sessions,
    avg(likelihood) as average_likelihood
from human_sessions
-- A session that started in the window was seen in it: this bound is the one that has an index.
where last_seen_at > now() - interval '24 hours' and started_at > now() - interval '24 hours'
group by 1;
