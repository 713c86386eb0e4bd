-- One row at most: the newest decision made about a session when it had so many events.
select likelihood, persona, incentive_type, arm, is_offered, because, model_version, policy_version
from predictions
where session_id = %(session_id)s and event_count = %(event_count)s
order by received_at desc, decided_at desc
limit 1
