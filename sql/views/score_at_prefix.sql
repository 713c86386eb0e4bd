-- One row per closed session of a person and prefix (1, 3, 5, 10 events, or last): the newest scores by then, before any purchase, and what came of it.
-- The scores were made and stored before the outcome was known. A session is in a prefix that it reached without having bought.
create view score_at_prefix as
select
    outcome.session_id,
    outcome.closed_at,
    date_bin(interval '1 hour', outcome.closed_at, timestamptz '2000-01-01 00:00+00') as hour,
    score.prefix,
    score.event_count,
    score.model_version,
    score.likelihood,
    score.challenger_version,
    score.challenger_likelihood,
    outcome.has_purchased as has_bought
from outcome
cross join lateral (
    select min(conversions.occurred_at) as bought_at
    from conversions
    where conversions.session_id = outcome.session_id
) as purchase
cross join lateral (
    select distinct on (prefix.name)
        prefix.name as prefix,
        told.event_count,
        told.model_version,
        told.likelihood,
        told.challenger_version,
        told.challenger_likelihood
    from (
        select
            predictions.*,
            max(predictions.event_count) over () as reached
        from predictions
        where
            predictions.session_id = outcome.session_id
            and (purchase.bought_at is null or predictions.occurred_at < purchase.bought_at)
    ) as told
    inner join (values ('1', 1), ('3', 3), ('5', 5), ('10', 10), ('last', null)) as prefix (name, events)
        on prefix.events is null or (told.event_count <= prefix.events and told.reached >= prefix.events)
    order by prefix.name asc, told.event_count desc, told.received_at desc, told.decided_at desc
) as score
where
    outcome.has_purchased = (purchase.bought_at is not null)
    and not exists (
        select from sessions
        where sessions.session_id = outcome.session_id and sessions.bot_score >= 0.5
    );
