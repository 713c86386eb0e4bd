-- What each event says of consent, and how likely a program made it; null: nothing says so.
alter table events
    add column consent text,
    add column privacy_signals text[] not null default '{}',
    add column bot_score double precision;
-- The strictest consent of the session's events, and its bot score by user agent and behaviour; null for sessions of before.
alter table sessions
    add column consent text,
    add column bot_score double precision;
