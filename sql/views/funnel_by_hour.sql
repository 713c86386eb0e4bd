-- One row per hour (of the session's start): how many sessions reached each step.
create view funnel_by_hour as
select
    date_bin(interval '1 hour', started_at, timestamptz '2000-01-01 00:00+00') as hour,
    count(*) as sessions,
    count(*) filter (where product_view_count > 0) as sessions_with_product_view,
    count(*) filter (where add_to_cart_count > 0) as sessions_with_cart,
    count(*) filter (where checkout_step_count > 0) as sessions_with_checkout,
    count(*) filter (where purchase_count > 0) as sessions_with_purchase,
    sum(purchase_count) as purchases,
    sum(revenue) as revenue
from human_sessions
group by 1;
