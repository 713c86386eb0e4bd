-- One row per event or decision of a session. Select one session and order by occurred_at, step: a decision follows the event it answers.
create view session_story as
select
    session_id,
    occurred_at,
    0 as step,
    'event' as kind,
    message_id as id,
    event_name as name,
    received_at,
    context ->> 'page_path' as page_path,
    properties,
    null::double precision as likelihood,
    null as persona,
    null as style,
    null as arm,
    null as incentive_type,
    null as incentive_message,
    null::boolean as is_offered,
    null::jsonb as because,
    null as model_version,
    null as policy_version,
    null::double precision as latency_ms
from events
where session_id is not null
union all
select
    session_id,
    occurred_at,
    event_count as step,
    'decision' as kind,
    decision_id as id,
    'decision' as name,
    received_at,
    null as page_path,
    null as properties,
    likelihood,
    persona,
    style,
    arm,
    incentive_type,
    message as incentive_message,
    is_offered,
    because,
    model_version,
    policy_version,
    extract(epoch from decided_at - received_at)::double precision * 1000 as latency_ms
from predictions;
