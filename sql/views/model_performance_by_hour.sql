-- One row per hour (of the sessions' end), role, model version and prefix: how good its scores were, judged by what the visitors then did.
-- Log loss and Brier are means over sessions; `ece` is the mean distance of promise and outcome over ten bins of equal width;
-- `auc` is the chance that a buyer was scored above another session, null where only one kind came.
create view model_performance_by_hour as
with placed as (
    select
        judged_score.*,
        -- Equal scores share the mean of their places.
        rank() over (partition by hour, role, model_version, prefix order by likelihood)
        + (count(*) over (partition by hour, role, model_version, prefix, likelihood) - 1) / 2.0 as place
    from judged_score
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
