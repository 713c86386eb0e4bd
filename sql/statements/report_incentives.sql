-- One row per incentive that the page reported about, whichever came first, report or decision. Only its own visitor may report.
update incentives
set
    shown_at = reported.shown_at,
    accepted_at = reported.accepted_at,
    dismissed_at = reported.dismissed_at
from (
    select incentive_id
    from staged_prediction
    where incentive_id is not null
    union
    select properties ->> 'incentive_id'
    from staged_event
    where event_name in ('incentive_shown', 'incentive_accepted', 'incentive_dismissed')
) as touched
inner join incentives as known on known.incentive_id = touched.incentive_id
cross join lateral (
    select
        min(occurred_at) filter (where event_name = 'incentive_shown') as shown_at,
        min(occurred_at) filter (where event_name = 'incentive_accepted') as accepted_at,
        min(occurred_at) filter (where event_name = 'incentive_dismissed') as dismissed_at
    from events
    where
        left(events.properties ->> 'incentive_id', 64) = left(known.incentive_id, 64)
        and events.event_name in ('incentive_shown', 'incentive_accepted', 'incentive_dismissed')
        and events.properties ->> 'incentive_id' = known.incentive_id
        and events.visitor_id = known.visitor_id
) as reported
where
    incentives.incentive_id = known.incentive_id
    and (incentives.shown_at, incentives.accepted_at, incentives.dismissed_at)
    is distinct from (reported.shown_at, reported.accepted_at, reported.dismissed_at);
