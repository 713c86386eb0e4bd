-- One row per stage and code: dead letters of the last hour that still wait, and the newest one's message.
select
    stage,
    code,
    count(*) as dead_letters,
    (array_agg(message order by received_at desc))[1] as latest_message
from dead_letter
where received_at > now() - interval '1 hour' and replayed_at is null
group by stage, code
order by dead_letters desc
