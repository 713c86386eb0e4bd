-- One row per row that pointed to a void session: it now points to the session that took its place.
update events
set session_id = staged_replacement.replaced_by
from staged_replacement
where events.session_id = staged_replacement.session_id;

update conversions
set session_id = staged_replacement.replaced_by
from staged_replacement
where conversions.session_id = staged_replacement.session_id;

update interactions
set session_id = staged_replacement.replaced_by
from staged_replacement
where interactions.session_id = staged_replacement.session_id;

update predictions
set session_id = staged_replacement.replaced_by
from staged_replacement
where predictions.session_id = staged_replacement.session_id;

update incentives
set session_id = staged_replacement.replaced_by
from staged_replacement
where incentives.session_id = staged_replacement.session_id;
