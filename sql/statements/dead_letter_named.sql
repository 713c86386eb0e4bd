-- One row per dead letter whose id is the given one or starts with it, at most two.
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
where dead_letter_id = %(id)s or (length(%(id)s) >= %(min_characters)s and starts_with(dead_letter_id, %(id)s))
order by dead_letter_id
limit 2
