-- One number: the chosen dead letters that were not replayed.
select count(*)
from dead_letter
where
    (%(codes)s::text[] is null or code = any(%(codes)s))
    and (%(stages)s::text[] is null or stage = any(%(stages)s))
    and (%(write_keys)s::text[] is null or write_key = any(%(write_keys)s))
    and (%(ids)s::text[] is null or dead_letter_id = any(%(ids)s))
    and (%(message)s::text is null or strpos(message, %(message)s) > 0)
    and (%(since)s::timestamptz is null or received_at >= %(since)s)
    and replayed_at is null
