-- One row per incentive decided: the first decision holds; it is offered once any decision offered it.
insert into incentives (
    incentive_id, session_id, visitor_id, type, message, discount, priority, arm, is_offered, occurred_at, decided_at,
    policy_version, budget, budget_day, cost
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
    policy_version,
    budget,
    budget_day,
    cost
from staged_prediction
where incentive_id is not null
order by incentive_id, decided_at
on conflict (incentive_id) do update set
    is_offered = incentives.is_offered or excluded.is_offered,
    occurred_at = least(incentives.occurred_at, excluded.occurred_at),
    decided_at = least(incentives.decided_at, excluded.decided_at),
    budget = coalesce(incentives.budget, excluded.budget),
    budget_day = coalesce(incentives.budget_day, excluded.budget_day),
    cost = coalesce(incentives.cost, excluded.cost)
where
    excluded.decided_at < incentives.decided_at
    or excluded.occurred_at < incentives.occurred_at
    or (excluded.is_offered and not incentives.is_offered)
    or (excluded.budget is not null and incentives.budget is null);
