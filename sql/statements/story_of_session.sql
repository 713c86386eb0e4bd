-- One row per event or decision of the session, in order.
select occurred_at, kind, name, page_path, likelihood, persona, style, arm, incentive_type, is_offered, because, model_version, policy_version
from session_story
where session_id = %(session_id)s
order by occurred_at, step, id
