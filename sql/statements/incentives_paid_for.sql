-- One row per incentive that was paid for today or yesterday, the newest first: to be offered again it costs nothing.
select
    incentive_id,
    budget,
    budget_day,
    cost
from incentives
where budget = any(%(budgets)s) and budget_day >= (now() at time zone 'UTC')::date - 1
order by decided_at desc
limit %(most)s;
