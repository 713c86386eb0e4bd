-- One row per stage and code: how many dead letters, since when, the newest one's message, and how many of them wait or were replayed.
create view dead_letters_by_reason as
select
    stage,
    code,
    count(*) as dead_letters,
    count(*) filter (where received_at > now() - interval '24 hours') as dead_letters_24h,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at,
    (array_agg(message order by received_at desc))[1] as latest_message,
    count(*) filter (where replayed_at is null) as waiting,
    count(*) filter (where replayed_at is not null) as replayed
from dead_letter
group by stage, code;
