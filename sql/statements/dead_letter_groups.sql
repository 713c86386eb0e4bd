-- One row per stage, code and message of the chosen dead letters: how many, since when, and how many have a fix or were replayed.
select
    stage,
    code,
    message,
    count(*) as dead_letters,
    count(*) filter (where fix is not null and replayed_at is null) as with_fix,
    count(*) filter (where replayed_at is not null) as replayed,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at
from dead_letter
where
    (%(codes)s::text[] is null or code = any(%(codes)s))
    and (%(stages)s::text[] is null or stage = any(%(stages)s))
    and (%(write_keys)s::text[] is null or write_key = any(%(write_keys)s))
    and (%(ids)s::text[] is null or dead_letter_id = any(%(ids)s))
    and (%(message)s::text is null or strpos(message, %(message)s) > 0)
    and (%(since)s::timestamptz is null or received_at >= %(since)s)
    and (%(is_all)s or replayed_at is null)
group by stage, code, message
order by dead_letters desc, stage, code, message
limit %(limit)s
