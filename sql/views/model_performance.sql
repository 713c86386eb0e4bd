-- One row per role, model version and prefix: how good its scores of people were over the newest 10,000 closed sessions.
-- The columns are those of model_performance_by_hour. A challenger is also compared with the champion on the very same sessions:
-- `log_loss_of_champion` there, and `log_loss_difference` (below 0 is better than the champion) with its standard error.
create view model_performance as
with newest as (
    select closed_at
    from outcome
    order by closed_at desc
    offset 10000
    limit 1
),
told as (
    select *
    from judged_score
    where closed_at > coalesce((select newest.closed_at from newest), '-infinity')
),
judged as (
    select
        told.*,
        -ln(case when bought = 1 then probability else 1 - probability end) as loss,
        -ln(case when bought = 1 then champions else 1 - champions end) as champions_loss,
        rank() over (partition by role, model_version, prefix order by likelihood)
        + (count(*) over (partition by role, model_version, prefix, likelihood) - 1) / 2.0 as place
    from told
),
bins as (
    select
        role,
        model_version,
        prefix,
        count(*) as sessions,
        sum(bought) as buyers,
        sum(place * bought)::double precision as places,
        sum(bought - likelihood) as gap,
        sum(loss) as log_loss,
        sum((bought - likelihood) ^ 2) as brier,
        sum(champions_loss) as champions_loss,
        sum(loss - champions_loss) as difference,
        sum((loss - champions_loss) ^ 2) as squares
    from judged
    group by role, model_version, prefix, least(floor(likelihood * 10), 9)
),
totals as (
    select
        role,
        model_version,
        prefix,
        sum(sessions)::bigint as sessions,
        sum(buyers)::bigint as buyers,
        sum(places) as places,
        sum(log_loss) / sum(sessions)::double precision as log_loss,
        sum(brier) / sum(sessions)::double precision as brier,
        sum(abs(gap)) / sum(sessions)::double precision as ece,
        sum(champions_loss) / sum(sessions)::double precision as log_loss_of_champion,
        sum(difference) / sum(sessions)::double precision as log_loss_difference,
        sum(squares) / sum(sessions)::double precision as mean_square
    from bins
    group by role, model_version, prefix
)
select
    role,
    model_version,
    prefix,
    sessions,
    buyers,
    buyers::double precision / sessions as base_rate,
    log_loss,
    brier,
    ece,
    (places - buyers * (buyers + 1) / 2.0)::double precision / nullif(buyers * (sessions - buyers), 0) as auc,
    log_loss_of_champion,
    log_loss_difference,
    sqrt(greatest(mean_square - log_loss_difference ^ 2, 0) / sessions) as log_loss_difference_error
from totals;
