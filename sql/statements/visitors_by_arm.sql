-- One row per visitor and arm: people who may be offered something, from their first decision within so many days on.
with decided as (
    select
        predictions.visitor_id,
        predictions.arm,
        array_agg(distinct predictions.policy_version) as policies,
        bool_or(predictions.is_offered) as is_offered,
        min(predictions.occurred_at) as since
    from predictions
    inner join human_sessions using (session_id)
    where
        predictions.decided_at >= now() - make_interval(days => %(days)s)
        and human_sessions.consent is distinct from 'refused'
    group by predictions.visitor_id, predictions.arm
)
select
    decided.visitor_id,
    decided.arm,
    decided.policies,
    decided.is_offered,
    exists (
        select from incentives
        inner join sessions using (session_id)
        where
            sessions.visitor_id = decided.visitor_id
            and incentives.arm = decided.arm
            and incentives.shown_at is not null
    ) as is_shown,
    count(conversions.conversion_id) > 0 as has_bought
from decided
left join conversions
    on conversions.visitor_id = decided.visitor_id and conversions.occurred_at >= decided.since
group by
    decided.visitor_id, decided.arm, decided.policies, decided.is_offered, decided.since
order by decided.visitor_id, decided.arm
