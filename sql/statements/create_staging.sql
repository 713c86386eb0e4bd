-- Where a transaction's rows wait for their place: one table per kind of row, emptied by every commit, never logged.
create temporary table staged_event (
    write_key text,
    message_id text,
    visitor_id text,
    user_id text,
    event_name text,
    occurred_at timestamptz,
    received_at timestamptz,
    properties jsonb,
    context jsonb,
    consent text,
    privacy_signals text[],
    bot_score double precision
) on commit delete rows;

create temporary table staged_conversion (
    conversion_id text,
    visitor_id text,
    user_id text,
    write_key text,
    message_id text,
    transaction_id text,
    occurred_at timestamptz,
    received_at timestamptz,
    currency text,
    revenue numeric,
    item_count double precision,
    coupon text
) on commit delete rows;

create temporary table staged_interaction (
    write_key text,
    message_id text,
    visitor_id text,
    event_name text,
    occurred_at timestamptz,
    page_path text,
    engagement_time_msec double precision,
    percent_scrolled double precision,
    pointer_distance_px double precision,
    click_count bigint,
    rage_click_count bigint,
    custom jsonb,
    clicks jsonb,
    page_height_px double precision
) on commit delete rows;

create temporary table staged_session (like sessions) on commit delete rows;
alter table staged_session drop column likelihood, drop column persona, drop column style;

create temporary table staged_replacement (like replaced_session) on commit delete rows;

create temporary table staged_prediction (like predictions) on commit delete rows;

create temporary table staged_outcome (like outcome) on commit delete rows;

create temporary table staged_erasure (
    erasure_id text,
    visitor_id text,
    erased_at timestamptz
) on commit delete rows;

create temporary table staged_dead_letter (like dead_letter) on commit delete rows;
alter table staged_dead_letter drop column fix, drop column replayed_at, drop column replayed_as;

-- These tables have no statistics; what the sink looks up in the large ones is always few rows, found by index.
set enable_hashjoin = off;
set enable_mergejoin = off;
set jit = off;
