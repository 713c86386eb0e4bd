-- One row: this minute's figures, unless another sink has taken them.
insert into analytics_snapshots (
    taken_at, total_sessions, active_sessions, total_visitors, converted_sessions, conversion_rate, total_purchases,
    total_revenue, average_order_value, avg_session_time_s, average_likelihood, open_cart_value, top_persona
)
select
    date_bin(interval '1 minute', now(), timestamptz '2000-01-01 00:00+00') as taken_at,
    total_sessions,
    active_sessions,
    total_visitors,
    converted_sessions,
    conversion_rate,
    total_purchases,
    total_revenue,
    average_order_value,
    avg_session_time_s,
    average_likelihood,
    open_cart_value,
    top_persona
from dashboard_realtime
on conflict (taken_at) do nothing;
