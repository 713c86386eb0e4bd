-- One row per hour (of the sessions' end), role, model version and prefix: how good its scores were, judged by what the visitors then did.
-- Log loss and Brier are means over sessions; `ece` is the mean distance of promise and outcome over ten bins of equal width;
-- `auc` is the chance that a buyer was scored above another session, null where only one kind came.
create view model_performance_by_hour as
with told as (
    select
        score_at_prefix.hour,
        score_at_prefix.prefix,
        role.name as role,
        role.model_version,
        role.likelihood,
        least(greatest(role.likelihood, 1e-6), 1 - 1e-6) as probability,
        score_at_prefix.has_bought::integer as bought
    from score_at_prefix
    cross join lateral (
        values
        ('champion', score_at_prefix.model_version, score_at_prefix.likelihood),
        ('challenger', score_at_prefix.challenger_version, score_at_prefix.challenger_likelihood)
    ) as role (name, model_version, likelihood)
    where role.model_version is not null
),
placed as (
    select
        told.*,
        -- Equal scores share the mean of their places.
        rank() over (partition by hour, role, model_version, prefix order by likelihood)
        + (count(*) over (partition by hour, role, model_version, prefix, likelihood) - 1) / 2.0 as place
    from told
),
bins as (
    select
        hour,
        role,
        model_version,
        prefix,
        count(*) as sessions,
        sum(bought) as buyers,
        sum(place * bought)::double precision as places,
        sum(bought - likelihood) as gap,
        sum(-ln(case when bought = 1 then probability else 1 - probability end)) as log_loss,
        sum((bought - likelihood) ^ 2) as brier
    from placed
    group by hour, role, model_version, prefix, least(floor(likelihood * 10), 9)
),
totals as (
    select
        hour,
        role,
        model_version,
        prefix,
        sum(sessions)::bigint as sessions,
        sum(buyers)::bigint as buyers,
        sum(places) as places,
        sum(log_loss) / sum(sessions)::double precision as log_loss,
        sum(brier) / sum(sessions)::double precision as brier,
        sum(abs(gap)) / sum(sessions)::double precision as ece
    from bins
    group by hour, role, model_version, prefix
)
select
    hour,
    role,
    model_version,
    prefix,
    sessions,
    buyers,
    buyers::double precision / sessions as base_rate,
    log_loss,
    brier,
    ece,
    (places - buyers * (buyers + 1) / 2.0)::double precision / nullif(buyers * (sessions - buyers), 0) as auc
from totals;
