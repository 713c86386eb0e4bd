-- One row: the shop in the last 24 hours, without bots unless a name says so. A session is active when it was seen in the last five minutes.
create view dashboard_realtime as
with recent as (
    select
        count(*) as total_sessions,
        count(*) filter (where last_seen_at > now() - interval '5 minutes') as active_sessions,
        count(distinct visitor_id) as total_visitors,
        count(*) filter (where purchase_count > 0) as converted_sessions,
        coalesce(avg(time_on_site_s), 0) as avg_session_time_s,
        avg(likelihood) as average_likelihood,
        coalesce(sum(cart_value) filter (where closed_at is null), 0) as open_cart_value,
        mode() within group (order by persona) as top_persona
    from human_sessions
    where last_seen_at > now() - interval '24 hours'
),
sold as (
    select
        count(*) as total_purchases,
        coalesce(sum(revenue), 0)::double precision as total_revenue,
        avg(revenue)::double precision as average_order_value
    from conversions
    where
        occurred_at > now() - interval '24 hours'
        and not exists (
            select from sessions
            where sessions.session_id = conversions.session_id and sessions.bot_score >= 0.5
        )
),
everyone as (
    select count(*) as sessions
    from sessions
    where last_seen_at > now() - interval '24 hours'
)
select
    recent.total_sessions,
    recent.active_sessions,
    recent.total_visitors,
    recent.converted_sessions,
    coalesce(recent.converted_sessions::double precision / nullif(recent.total_sessions, 0), 0) as conversion_rate,
    sold.total_purchases,
    sold.total_revenue,
    sold.average_order_value,
    recent.avg_session_time_s,
    recent.average_likelihood,
    recent.open_cart_value,
    recent.top_persona,
    everyone.sessions as total_sessions_with_bots,
    coalesce(1 - recent.total_sessions::double precision / nullif(everyone.sessions, 0), 0) as bot_share
from recent
cross join sold
cross join everyone;
