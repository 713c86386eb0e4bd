-- One row per session that was decided about, or that took over another's decisions.
insert into personas (
    session_id, visitor_id, persona, persona_confidence, style, style_confidence, decided_at, model_version
)
select
    touched.session_id,
    latest.visitor_id,
    latest.persona,
    latest.persona_confidence,
    latest.style,
    latest.style_confidence,
    latest.decided_at,
    latest.model_version
from (
    select session_id
    from staged_prediction
    union
    select replaced_by
    from staged_replacement
) as touched
cross join lateral (
    select *
    from predictions
    where predictions.session_id = touched.session_id
    order by predictions.event_count desc, predictions.received_at desc, predictions.decided_at desc
    limit 1
) as latest
on conflict (session_id) do update set
    persona = excluded.persona,
    persona_confidence = excluded.persona_confidence,
    style = excluded.style,
    style_confidence = excluded.style_confidence,
    decided_at = excluded.decided_at,
    model_version = excluded.model_version;
