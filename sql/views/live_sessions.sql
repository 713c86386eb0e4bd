-- One row per session seen in the last 30 minutes and not closed, with the latest incentive decided for it.
create view live_sessions as
select
    sessions.session_id,
    sessions.visitor_id,
    sessions.user_id,
    sessions.started_at,
    sessions.last_seen_at,
    sessions.event_count,
    sessions.page_count,
    sessions.likelihood,
    sessions.persona,
    sessions.style,
    latest.incentive_id,
    latest.type as incentive_type,
    latest.message as incentive_message,
    latest.arm,
    latest.is_offered,
    latest.shown_at,
    latest.accepted_at,
    sessions.cart_value,
    sessions.cart_item_count,
    sessions.purchase_count,
    sessions.revenue,
    sessions.device_type,
    sessions.channel,
    sessions.entry_path,
    sessions.last_path,
    sessions.consent,
    coalesce(sessions.bot_score, 0) as bot_score
from sessions
left join lateral (
    select *
    from incentives
    where incentives.session_id = sessions.session_id
    order by incentives.decided_at desc
    limit 1
) as latest on true
where sessions.last_seen_at > now() - interval '30 minutes' and sessions.closed_at is null;
