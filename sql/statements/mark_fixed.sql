-- One row per given dead letter: the fix it is to be replayed with.
update dead_letter
set fix = given.fix
from unnest(%(ids)s::text[], %(fixes)s::text[]) as given (dead_letter_id, fix)
where dead_letter.dead_letter_id = given.dead_letter_id and dead_letter.replayed_at is null
