-- What people did about a dead letter: the fix that they gave it, and the event that it then became.
-- `replayed_as` is that event's message id; what is not replayed is still waiting.
alter table dead_letter
add column fix text,
add column replayed_at timestamptz,
add column replayed_as text;
create index dead_letter_waiting on dead_letter (received_at, dead_letter_id) where replayed_at is null;
create index dead_letter_replayed on dead_letter (replayed_as) where replayed_at is not null;
