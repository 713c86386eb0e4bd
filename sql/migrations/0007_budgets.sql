-- One row per budget of the policy and day (UTC): what it allows, and what workers have set aside of it for offers.
-- The only table that the stream processor writes: what is set aside is committed here before any of it is offered.
create table budget_day (
    budget text not null,
    day date not null,
    per_day numeric not null,
    reserved numeric not null default 0,
    primary key (budget, day)
);
-- What a decision took from a budget; null where its incentive draws on none, or nothing is offered.
alter table predictions
    add column budget text,
    add column budget_day date,
    add column cost numeric;
-- The same of the incentive, once however often it was decided.
alter table incentives
    add column budget text,
    add column budget_day date,
    add column cost numeric;
create index incentives_budget on incentives (budget, budget_day) where budget is not null;
