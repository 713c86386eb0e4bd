-- One row per hour (of the session's start) and persona: sessions and conversions.
create view personas_by_hour as
select
    date_bin(interval '1 hour', started_at, timestamptz '2000-01-01 00:00+00') as hour,
    persona,
    count(*) as sessions,
    count(*) filter (where purchase_count > 0) as converted_sessions
from human_sessions
where persona is not null
group by 1, 2;
