-- One row per session id that is void from now on, and what it is replaced by today (never another void id).
delete from replaced_session
using staged_replacement
where
    replaced_session.session_id = staged_replacement.replaced_by
    and replaced_session.replaced_by = staged_replacement.session_id;

update staged_replacement
set replaced_by = replaced_session.replaced_by
from replaced_session
where replaced_session.session_id = staged_replacement.replaced_by;

insert into replaced_session (session_id, replaced_by)
select
    session_id,
    replaced_by
from staged_replacement
on conflict (session_id) do update set replaced_by = excluded.replaced_by
where replaced_session.replaced_by <> excluded.replaced_by;

update replaced_session
set replaced_by = staged_replacement.replaced_by
from staged_replacement
where replaced_session.replaced_by = staged_replacement.session_id;
