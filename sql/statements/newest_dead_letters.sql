-- One row per chosen dead letter without its bytes, newest first.
select
    dead_letter_id,
    stage,
    code,
    message,
    octet_length(raw) as size_bytes,
    write_key,
    message_id,
    visitor_id,
    received_at,
    source,
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
    and (%(is_all)s or replayed_at is null)
order by received_at desc, dead_letter_id desc
limit %(limit)s
