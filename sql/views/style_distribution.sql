-- One row per shopping style: how many of all sessions have it, and how they buy.
create view style_distribution as
select
    style,
    count(*) as sessions,
    count(*)::double precision / sum(count(*)) over () as share,
    avg(likelihood) as average_likelihood,
    count(*) filter (where purchase_count > 0) as converted_sessions,
    (count(*) filter (where purchase_count > 0))::double precision / count(*) as conversion_rate,
    sum(revenue) as revenue,
    avg(time_on_site_s) as avg_session_time_s
from human_sessions
where style is not null
group by style;
