-- The tables of hop 6. Written by the sink only; everyone else reads views.
-- There are no foreign keys: topics are read side by side, so a decision may arrive before its session, and both orders must be fine.
-- Money is in the shop's currency unit, `_s` is seconds, `_ms` milliseconds, `_px` CSS pixels, as in `contracts/`.

-- One row per event, as ingest accepted it. `session_id` is filled as soon as the stream has told the session's bounds.
create table events (
    write_key text not null,
    message_id text not null,
    visitor_id text not null,
    user_id text,
    session_id text,
    event_name text not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    processed_at timestamptz not null default now(),
    properties jsonb not null,
    context jsonb not null,
    primary key (write_key, message_id)
);
create index events_session on events (session_id, occurred_at);
create index events_visitor on events (visitor_id, occurred_at);
create index events_received on events (received_at) include (event_name);
-- Small: only events that no session covers yet.
create index events_unlinked on events (visitor_id, occurred_at) where session_id is null;
-- `left` because whoever writes our input may send an id longer than an index entry may be.
create index events_incentive on events (left(properties ->> 'incentive_id', 64))
where event_name in ('incentive_shown', 'incentive_accepted', 'incentive_dismissed');

-- One row per session: the newest session features, and likelihood, persona and style of its latest decision.
create table sessions (
    session_id text primary key,
    visitor_id text not null,
    user_id text,
    write_key text not null,
    received_at timestamptz not null,
    started_at timestamptz not null,
    last_seen_at timestamptz not null,
    closed_at timestamptz,
    event_count integer not null,
    page_count integer not null,
    product_view_count integer not null,
    distinct_product_count integer not null,
    distinct_category_count integer not null,
    list_view_count integer not null,
    search_count integer not null,
    add_to_cart_count integer not null,
    remove_from_cart_count integer not null,
    cart_view_count integer not null,
    wishlist_count integer not null,
    promotion_count integer not null,
    coupon_count integer not null,
    checkout_step_count integer not null,
    purchase_count integer not null,
    revenue double precision not null,
    cart_value double precision not null,
    cart_item_count bigint not null,
    time_on_site_s double precision not null,
    viewed_price_mean double precision,
    viewed_price_max double precision,
    active_ms double precision,
    scroll_percent_max double precision,
    pointer_distance_px double precision,
    click_count bigint,
    rage_click_count bigint,
    device_type text not null,
    channel text not null,
    entry_path text,
    last_path text,
    hour smallint not null,
    weekday smallint not null,
    previous_session_count integer not null,
    previous_purchase_count integer not null,
    previous_revenue double precision not null,
    seconds_since_previous_session double precision,
    likelihood double precision,
    persona text,
    style text
);
create index sessions_visitor on sessions (visitor_id, started_at);
create index sessions_last_seen on sessions (last_seen_at);
create index sessions_hour on sessions (date_bin(interval '1 hour', started_at, timestamptz '2000-01-01 00:00+00'));

-- One row per id that a session had before an earlier event of it arrived or it merged with another. Never a chain.
create table replaced_session (
    session_id text primary key,
    replaced_by text not null
);
create index replaced_session_by on replaced_session (replaced_by);

-- One row per visitor, summed up from the visitor's sessions.
create table users (
    visitor_id text primary key,
    user_id text,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    session_count bigint not null,
    event_count bigint not null,
    purchase_count bigint not null,
    revenue double precision not null,
    device_type text not null
);
create index users_user on users (user_id) where user_id is not null;

-- One row per session that had something in its cart. `value` and `item_count` are what is in it now.
create table carts (
    session_id text primary key,
    visitor_id text not null,
    value double precision not null,
    item_count bigint not null,
    state text not null check (state in ('open', 'abandoned', 'converted')),
    last_seen_at timestamptz not null
);

-- One row per decision.
create table predictions (
    decision_id text primary key,
    session_id text not null,
    visitor_id text not null,
    user_id text,
    caused_by text not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    decided_at timestamptz not null,
    event_count integer not null,
    likelihood double precision not null,
    persona text not null,
    persona_confidence double precision not null,
    style text not null,
    style_confidence double precision not null,
    arm text not null,
    incentive_id text,
    incentive_type text,
    message text,
    discount double precision,
    priority text,
    is_offered boolean not null,
    because jsonb not null,
    model_version text not null,
    policy_version text not null
);
create index predictions_session on predictions (session_id, event_count desc, decided_at desc);
create index predictions_visitor on predictions (visitor_id);
create index predictions_decided on predictions (decided_at);

-- One row per session: persona and style of its latest decision, and how sure we are of them.
create table personas (
    session_id text primary key,
    visitor_id text not null,
    persona text not null,
    persona_confidence double precision not null,
    style text not null,
    style_confidence double precision not null,
    decided_at timestamptz not null,
    model_version text not null
);

-- One row per session and rule of the policy: the incentive as first decided, and what the page reported about it.
-- In the holdout arm it is what would have been offered. `occurred_at` is the event time of the first decision.
create table incentives (
    incentive_id text primary key,
    session_id text not null,
    visitor_id text not null,
    type text not null,
    message text not null,
    discount double precision not null,
    priority text not null,
    arm text not null,
    is_offered boolean not null,
    occurred_at timestamptz not null,
    decided_at timestamptz not null,
    shown_at timestamptz,
    accepted_at timestamptz,
    dismissed_at timestamptz,
    policy_version text not null
);
create index incentives_session on incentives (session_id, decided_at desc);

-- One row per purchase. The same transaction reported twice is one purchase: at the earliest time and the largest amount reported.
create table conversions (
    conversion_id text primary key,
    session_id text,
    visitor_id text not null,
    user_id text,
    write_key text not null,
    message_id text not null,
    transaction_id text,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    currency text,
    revenue numeric not null,
    item_count double precision not null,
    coupon text
);
create index conversions_session on conversions (session_id);
create index conversions_visitor on conversions (visitor_id, occurred_at);
create index conversions_occurred on conversions (occurred_at);
create index conversions_unlinked on conversions (visitor_id, occurred_at) where session_id is null;

-- One row per engagement report or click; what the reports say of time, scrolling and pointer is since the report before.
create table interactions (
    write_key text not null,
    message_id text not null,
    visitor_id text not null,
    session_id text,
    event_name text not null,
    occurred_at timestamptz not null,
    page_path text,
    engagement_time_msec double precision,
    percent_scrolled double precision,
    pointer_distance_px double precision,
    click_count bigint,
    rage_click_count bigint,
    custom jsonb not null,
    primary key (write_key, message_id)
);
create index interactions_session on interactions (session_id, occurred_at);
create index interactions_visitor on interactions (visitor_id);
create index interactions_unlinked on interactions (visitor_id, occurred_at) where session_id is null;

-- One row per closed session: what the visitor did in the end.
create table outcome (
    session_id text primary key,
    visitor_id text not null,
    user_id text,
    write_key text not null,
    started_at timestamptz not null,
    last_seen_at timestamptz not null,
    closed_at timestamptz not null,
    event_count integer not null,
    has_purchased boolean not null,
    purchase_count integer not null,
    revenue double precision not null,
    abandoned_cart_value double precision not null
);
create index outcome_visitor on outcome (visitor_id);

-- One row per dead letter: bytes that some step could not process, with the reason.
create table dead_letter (
    dead_letter_id text primary key,
    stage text not null,
    code text not null,
    message text not null,
    raw bytea not null,
    write_key text,
    message_id text,
    visitor_id text,
    received_at timestamptz not null,
    source text
);
create index dead_letter_reason on dead_letter (stage, code, received_at);

-- One row per minute: what dashboard_realtime said then.
create table analytics_snapshots (
    taken_at timestamptz primary key,
    total_sessions bigint not null,
    active_sessions bigint not null,
    total_visitors bigint not null,
    converted_sessions bigint not null,
    conversion_rate double precision not null,
    total_purchases bigint not null,
    total_revenue double precision not null,
    average_order_value double precision,
    avg_session_time_s double precision not null,
    average_likelihood double precision,
    open_cart_value double precision not null,
    top_persona text
);

-- One row per partition of a topic: the offset the sink reads next. Changed only in the transaction that writes the rows before it.
create table sink_offset (
    cluster_id text not null,
    topic text not null,
    partition integer not null,
    next_offset bigint not null,
    primary key (cluster_id, topic, partition)
);
