-- One row per chosen dead letter that was not replayed, oldest first: the next ones after a given one.
select
    dead_letter_id,
    stage,
    code,
    message,
    raw,
    write_key,
    message_id,
    visitor_id,
    received_at,
    source,
    envelope,
    fix,
    replayed_at,
    replayed_as
from dead_letter
where
    (%(codes)s::text[] is null or code = any(%(codes)s))
    and (%(stages)s::text[] is null or stage = any(%(stages)s))
    and (%(write_keys)s::text[] is null or write_key = any(%(write_keys)s))
    and (%(ids)s::text[] is null or dead_letter_id = any(%(ids)s))
    and (%(message)s::text is null or strpos(message, %(message)s) > 0)
    and (%(since)s::timestamptz is null or received_at >= %(since)s)
    and replayed_at is null
    and (received_at, dead_letter_id) > (%(after_at)s::timestamptz, %(after_id)s)
order by received_at, dead_letter_id
limit %(limit)s
