-- One row per stage and code: how many dead letters, since when, and the newest one's message.
create view dead_letters_by_reason as
select
    stage,
    code,
    count(*) as dead_letters,
    count(*) filter (where received_at > now() - interval '24 hours') as dead_letters_24h,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at,
    (array_agg(message order by received_at desc))[1] as latest_message
from dead_letter
group by stage, code;
