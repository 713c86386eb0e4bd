-- One row per day (UTC) on which a person bought: purchases, buyers and revenue.
create view sales_by_day as
select
    date_bin(interval '1 day', occurred_at, timestamptz '2000-01-01 00:00+00') as day,
    count(*) as purchases,
    count(distinct visitor_id) as buyers,
    sum(revenue)::double precision as revenue,
    avg(revenue)::double precision as average_order_value
from conversions
where
    not exists (
        select from sessions
        where sessions.session_id = conversions.session_id and sessions.bot_score >= 0.5
    )
group by 1;
