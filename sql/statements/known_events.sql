-- One row per given event that is stored, or that a dead letter has become already.
select
    given.write_key,
    given.message_id
from unnest(%(write_keys)s::text[], %(message_ids)s::text[]) as given (write_key, message_id)
where
    exists (
        select from events
        where events.write_key = given.write_key and events.message_id = given.message_id
    )
    or exists (
        select from dead_letter
        where
            dead_letter.replayed_at is not null
            and dead_letter.replayed_as = given.message_id
            -- A record of topic events that failed later says its write key in its bytes only.
            and coalesce(dead_letter.write_key, given.write_key) = given.write_key
    )
