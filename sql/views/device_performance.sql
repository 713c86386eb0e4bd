-- One row per device type: its share of all sessions, and how they buy.
create view device_performance as
select
    device_type,
    count(*) as sessions,
    count(*)::double precision / sum(count(*)) over () as share,
    avg(likelihood) as average_likelihood,
    count(*) filter (where add_to_cart_count > 0) as sessions_with_cart,
    count(*) filter (where purchase_count > 0) as converted_sessions,
    (count(*) filter (where purchase_count > 0))::double precision / count(*) as conversion_rate,
    sum(revenue) as revenue,
    avg(time_on_site_s) as avg_session_time_s
from human_sessions
group by device_type;
