-- One row per budget of the policy and day (UTC): what it allows, what was offered out of it, and what is left.
-- `offered_cost` is the most that the offers made can cost; `set_aside` is with workers for offers to come, or was with one that was
-- killed. `is_kept` says that nothing was offered beyond what had been set aside, which never exceeds what the budget allows.
create view budget_by_day as
with offered as (
    select
        budget,
        budget_day,
        count(*) as offers,
        count(*) filter (where accepted_at is not null) as accepted,
        sum(cost) as cost
    from incentives
    where budget is not null
    group by budget, budget_day
)
select
    budget_day.budget,
    budget_day.day,
    budget_day.per_day::double precision as per_day,
    coalesce(offered.offers, 0) as offers,
    coalesce(offered.accepted, 0) as accepted,
    coalesce(offered.cost, 0)::double precision as offered_cost,
    (budget_day.reserved - coalesce(offered.cost, 0))::double precision as set_aside,
    greatest(0, budget_day.per_day - budget_day.reserved)::double precision as unreserved,
    coalesce(offered.cost, 0) <= budget_day.reserved as is_kept
from budget_day
left join offered on offered.budget = budget_day.budget and offered.budget_day = budget_day.day;
