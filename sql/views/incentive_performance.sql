-- One row per incentive type and arm: sessions of people it was decided for, and what became of them.
-- A session has converted when it bought at or after the decision. `lift` compares with the holdout arm of the same type:
-- 0.1 is ten percent more conversions than without the incentive; null until both arms have sessions and the holdout sold something.
create view incentive_performance as
with decided as (
    select
        session_id,
        type,
        arm,
        min(occurred_at) as occurred_at,
        bool_or(is_offered) as is_offered,
        bool_or(shown_at is not null) as is_shown,
        bool_or(accepted_at is not null) as is_accepted,
        bool_or(dismissed_at is not null) as is_dismissed
    from incentives
    where
        not exists (
            select from sessions
            where sessions.session_id = incentives.session_id and sessions.bot_score >= 0.5
        )
    group by session_id, type, arm
),
bought as (
    select
        decided.session_id,
        decided.type,
        decided.arm,
        sum(conversions.revenue) as revenue
    from decided
    inner join conversions
        on conversions.session_id = decided.session_id and conversions.occurred_at >= decided.occurred_at
    group by decided.session_id, decided.type, decided.arm
),
judged as (
    select
        decided.type,
        decided.arm,
        count(*) as decided,
        count(*) filter (where decided.is_offered) as offered,
        count(*) filter (where decided.is_shown) as shown,
        count(*) filter (where decided.is_accepted) as accepted,
        count(*) filter (where decided.is_dismissed) as dismissed,
        count(bought.session_id) as conversions,
        coalesce(sum(bought.revenue), 0)::double precision as revenue
    from decided
    left join bought
        on bought.session_id = decided.session_id and bought.type = decided.type and bought.arm = decided.arm
    group by decided.type, decided.arm
),
rated as (
    select
        judged.*,
        judged.conversions::double precision / judged.decided as conversion_rate
    from judged
)
select
    rated.*,
    case
        when rated.arm = 'treatment' then rated.conversion_rate / nullif(holdout.conversion_rate, 0) - 1
    end as lift
from rated
left join rated as holdout on holdout.type = rated.type and holdout.arm = 'holdout';
