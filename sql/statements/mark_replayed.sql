-- One row per given dead letter: which event it has become, and with which fix.
update dead_letter
set
    replayed_at = now(),
    replayed_as = given.message_id,
    fix = nullif(given.fix, '')
from unnest(%(ids)s::text[], %(message_ids)s::text[], %(fixes)s::text[]) as given (dead_letter_id, message_id, fix)
where dead_letter.dead_letter_id = given.dead_letter_id and dead_letter.replayed_at is null
