-- One row per session id that is void: what there is once a session goes with it, and comes anew with the session that took its place.
delete from sessions using staged_replacement where sessions.session_id = staged_replacement.session_id;
delete from carts using staged_replacement where carts.session_id = staged_replacement.session_id;
delete from personas using staged_replacement where personas.session_id = staged_replacement.session_id;
delete from outcome using staged_replacement where outcome.session_id = staged_replacement.session_id;
