-- One row per hour (of the session's start): sessions, pages and revenue with and without bots, and the share of bots.
create view bot_share_by_hour as
select
    hour,
    count(*) as sessions_with_bots,
    count(*) filter (where not is_bot) as sessions,
    count(*) filter (where is_bot) as bot_sessions,
    (count(*) filter (where is_bot))::double precision / count(*) as bot_share,
    sum(page_count) as pages_with_bots,
    coalesce(sum(page_count) filter (where not is_bot), 0) as pages,
    sum(revenue) as revenue_with_bots,
    coalesce(sum(revenue) filter (where not is_bot), 0) as revenue
from (
    select
        date_bin(interval '1 hour', started_at, timestamptz '2000-01-01 00:00+00') as hour,
        coalesce(bot_score, 0) >= 0.5 as is_bot,
        page_count,
        revenue
    from sessions
) as told
group by hour;
