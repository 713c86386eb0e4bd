-- One row per erasure that came: everything of the visitor that was received until then goes, and is counted.
with covered as (
    select
        staged_erasure.erasure_id,
        sessions.session_id
    from staged_erasure
    inner join sessions on sessions.visitor_id = staged_erasure.visitor_id
    where sessions.received_at <= staged_erasure.erased_at
    union
    select
        staged_erasure.erasure_id,
        predictions.session_id
    from staged_erasure
    inner join predictions on predictions.visitor_id = staged_erasure.visitor_id
    where predictions.received_at <= staged_erasure.erased_at
    union
    select
        staged_erasure.erasure_id,
        outcome.session_id
    from staged_erasure
    inner join outcome on outcome.visitor_id = staged_erasure.visitor_id
    where outcome.last_seen_at <= staged_erasure.erased_at
),
gone_events as (
    delete from events
    using staged_erasure
    where events.visitor_id = staged_erasure.visitor_id and events.received_at <= staged_erasure.erased_at
    returning staged_erasure.erasure_id
),
gone_interactions as (
    delete from interactions
    using staged_erasure, events
    where
        interactions.visitor_id = staged_erasure.visitor_id
        and events.write_key = interactions.write_key
        and events.message_id = interactions.message_id
        and events.received_at <= staged_erasure.erased_at
    returning staged_erasure.erasure_id
),
gone_conversions as (
    delete from conversions
    using staged_erasure
    where conversions.visitor_id = staged_erasure.visitor_id and conversions.received_at <= staged_erasure.erased_at
    returning staged_erasure.erasure_id
),
gone_predictions as (
    delete from predictions
    using staged_erasure
    where predictions.visitor_id = staged_erasure.visitor_id and predictions.received_at <= staged_erasure.erased_at
    returning staged_erasure.erasure_id
),
gone_sessions as (
    delete from sessions using covered where sessions.session_id = covered.session_id returning covered.erasure_id
),
gone_carts as (
    delete from carts using covered where carts.session_id = covered.session_id returning covered.erasure_id
),
gone_personas as (
    delete from personas using covered where personas.session_id = covered.session_id returning covered.erasure_id
),
gone_incentives as (
    delete from incentives using covered where incentives.session_id = covered.session_id returning covered.erasure_id
),
gone_outcomes as (
    delete from outcome using covered where outcome.session_id = covered.session_id returning covered.erasure_id
),
gone_replaced as (
    delete from replaced_session
    using covered
    where replaced_session.replaced_by = covered.session_id
    returning covered.erasure_id
),
gone_users as (
    delete from users
    using staged_erasure
    where users.visitor_id = staged_erasure.visitor_id
    returning staged_erasure.erasure_id
),
-- Of bytes that nobody could read it is not known whose they are; an id as long as these is in them by no accident.
gone_dead_letters as (
    delete from dead_letter
    using staged_erasure
    where
        dead_letter.received_at <= staged_erasure.erased_at
        and (
            dead_letter.visitor_id = staged_erasure.visitor_id
            or (
                dead_letter.visitor_id is null
                and length(staged_erasure.visitor_id) >= 16
                and position(convert_to(staged_erasure.visitor_id, 'UTF8') in dead_letter.raw) > 0
            )
        )
    returning staged_erasure.erasure_id
),
gone as (
    select erasure_id, 'events' as place from gone_events
    union all
    select erasure_id, 'interactions' from gone_interactions
    union all
    select erasure_id, 'conversions' from gone_conversions
    union all
    select erasure_id, 'predictions' from gone_predictions
    union all
    select erasure_id, 'sessions' from gone_sessions
    union all
    select erasure_id, 'carts' from gone_carts
    union all
    select erasure_id, 'personas' from gone_personas
    union all
    select erasure_id, 'incentives' from gone_incentives
    union all
    select erasure_id, 'outcome' from gone_outcomes
    union all
    select erasure_id, 'replaced_session' from gone_replaced
    union all
    select erasure_id, 'users' from gone_users
    union all
    select erasure_id, 'dead_letter' from gone_dead_letters
),
counted as (
    select erasure_id, place, count(*) as row_count from gone group by erasure_id, place
)
update erasure
set erased_rows = (
    select jsonb_object_agg(counted.place, counted.row_count) from counted where counted.erasure_id = erasure.erasure_id
)
where erasure.erasure_id in (select erasure_id from counted);
