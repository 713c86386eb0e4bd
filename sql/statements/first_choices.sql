-- One row per person for whom an incentive was chosen within so many days: the first one, what was known then, and what was bought since.
-- Who was in both arms meanwhile is in none.
with two_armed as (
    select visitor_id
    from predictions
    where decided_at >= now() - make_interval(days => %(days)s)
    group by visitor_id
    having min(arm) <> max(arm)
),
chosen as (
    select distinct on (predictions.visitor_id)
        predictions.visitor_id,
        predictions.session_id,
        predictions.arm,
        predictions.incentive_id,
        predictions.incentive_type,
        predictions.likelihood,
        predictions.event_count,
        human_sessions.previous_session_count,
        human_sessions.previous_purchase_count,
        predictions.persona,
        predictions.style,
        human_sessions.device_type,
        human_sessions.channel,
        predictions.occurred_at
    from predictions
    inner join human_sessions using (session_id)
    where
        predictions.decided_at >= now() - make_interval(days => %(days)s)
        and predictions.incentive_id is not null
        and human_sessions.consent is distinct from 'refused'
        and predictions.visitor_id not in (select visitor_id from two_armed)
    order by predictions.visitor_id, predictions.occurred_at, predictions.event_count, predictions.decision_id
)
select
    chosen.visitor_id,
    chosen.session_id,
    chosen.arm,
    chosen.incentive_id,
    chosen.incentive_type,
    chosen.likelihood,
    chosen.event_count,
    chosen.previous_session_count,
    chosen.previous_purchase_count,
    chosen.persona,
    chosen.style,
    chosen.device_type,
    chosen.channel,
    bought.purchases > 0 as has_bought,
    bought.revenue
from chosen
cross join lateral (
    select
        count(*) as purchases,
        coalesce(sum(conversions.revenue), 0) as revenue
    from conversions
    where conversions.visitor_id = chosen.visitor_id and conversions.occurred_at >= chosen.occurred_at
) as bought
order by chosen.visitor_id
