-- What a challenger in the champion's shadow said of the same features; null where none ran.
alter table predictions
add column challenger_version text,
add column challenger_likelihood double precision;
-- Closed sessions by time, for judging models on the newest of them.
create index outcome_closed on outcome (closed_at);
create index outcome_hour on outcome (date_bin(interval '1 hour', closed_at, timestamptz '2000-01-01 00:00+00'));
