-- One row per session that was decided about without new features of it in this transaction.
update sessions
set
    likelihood = latest.likelihood,
    persona = latest.persona,
    style = latest.style
from (select distinct session_id from staged_prediction) as touched
cross join lateral (
    select
        likelihood,
        persona,
        style
    from predictions
    where predictions.session_id = touched.session_id
    order by predictions.event_count desc, predictions.received_at desc, predictions.decided_at desc
    limit 1
) as latest
where
    sessions.session_id = touched.session_id
    and (sessions.likelihood, sessions.persona, sessions.style)
    is distinct from (latest.likelihood, latest.persona, latest.style);
