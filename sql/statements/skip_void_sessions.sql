-- One row per staged row of a session whose id is void: a decision belongs to the session that took its place, the rest is out of date.
update staged_prediction
set session_id = replaced_session.replaced_by
from replaced_session
where replaced_session.session_id = staged_prediction.session_id;

delete from staged_session using replaced_session where replaced_session.session_id = staged_session.session_id;

delete from staged_outcome using replaced_session where replaced_session.session_id = staged_outcome.session_id;
