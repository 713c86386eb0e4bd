-- One row per incentive decided: the first decision holds; it is offered once any decision offered it.
insert into incentives (
    incentive_id, session_id, visitor_id, type, message, discount, priority, arm, is_offered, occurred_at, decided_at,
    policy_version
)
select distinct on (incentive_id)
    incentive_id,
    session_id,
    visitor_id,
    incentive_type,
    message,
    discount,
    priority,
    arm,
    bool_or(is_offered) over (partition by incentive_id) as is_offered,
    occurred_at,
    decided_at,
    policy_version
from staged_prediction
where incentive_id is not null
order by incentive_id, decided_at
on conflict (incentive_id) do update set
    is_offered = incentives.is_offered or excluded.is_offered,
    occurred_at = least(incentives.occurred_at, excluded.occurred_at),
    decided_at = least(incentives.decided_at, excluded.decided_at)
where
    excluded.decided_at < incentives.decided_at
    or excluded.occurred_at < incentives.occurred_at
    or (excluded.is_offered and not incentives.is_offered);
