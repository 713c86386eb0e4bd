-- One row per visitor whose first incentive ever was chosen within so many days: what was known then, and what was bought since.
-- Whoever had one before those days was treated or held out before. A session that looks like a program's only since is kept: how it goes
-- on after the choice may be the choice's doing.
with first_within as (
    select distinct on (visitor_id)
        visitor_id,
        session_id,
        arm,
        policy_version,
        incentive_id,
        incentive_type,
        likelihood,
        event_count,
        persona,
        style,
        occurred_at
    from predictions
    where decided_at >= now() - make_interval(days => %(days)s) and incentive_id is not null
    order by visitor_id, occurred_at, event_count, decision_id
),
chosen as (
    select *
    from first_within
    where not exists (
        select from predictions as earlier
        where
            earlier.visitor_id = first_within.visitor_id
            and earlier.incentive_id is not null
            and earlier.decided_at < now() - make_interval(days => %(days)s)
    )
)
select
    chosen.visitor_id,
    array_prepend(
        chosen.session_id,
        array(select former.session_id from replaced_session as former where former.replaced_by = chosen.session_id)
    ) as session_ids,
    chosen.arm,
    chosen.policy_version,
    chosen.incentive_id,
    chosen.incentive_type,
    chosen.likelihood,
    chosen.event_count,
    sessions.previous_session_count,
    sessions.previous_purchase_count,
    chosen.persona,
    chosen.style,
    sessions.device_type,
    sessions.channel,
    bought.purchases > 0 as has_bought,
    bought.revenue
from chosen
inner join sessions on sessions.session_id = chosen.session_id
cross join lateral (
    select
        count(*) as purchases,
        coalesce(sum(conversions.revenue), 0) as revenue
    from conversions
    where conversions.visitor_id = chosen.visitor_id and conversions.occurred_at >= chosen.occurred_at
) as bought
where sessions.consent is distinct from 'refused'
order by chosen.visitor_id
