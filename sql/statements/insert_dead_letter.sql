-- One row per dead letter that is new.
insert into dead_letter (
    dead_letter_id, stage, code, message, raw, write_key, message_id, visitor_id, received_at, source, envelope
)
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
    envelope
from staged_dead_letter
on conflict (dead_letter_id) do nothing;
