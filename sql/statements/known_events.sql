-- One row per given dead letter whose event is known: it is stored, or another dead letter has become it already.
select given.dead_letter_id
from
    unnest(%(ids)s::text[], %(stages)s::text[], %(write_keys)s::text[], %(message_ids)s::text[])
    as given (dead_letter_id, stage, write_key, message_id)
where
    -- Sessions did not take in what they buried, though it be stored: it has to come to them again.
    (given.stage <> 'sessionize' and exists (
        select from events
        where events.write_key = given.write_key and events.message_id = given.message_id
    ))
    -- What a later step buried had come to it after whatever dead letter became it.
    or (given.stage = 'ingest' and exists (
        select from dead_letter
        where
            dead_letter.replayed_at is not null
            and dead_letter.replayed_as = given.message_id
            -- A record of topic events that failed later says its write key in its bytes only.
            and coalesce(dead_letter.write_key, given.write_key) = given.write_key
    ))
