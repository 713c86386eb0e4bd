-- What the request of a dead letter said about all of its calls (its sentAt, timestamp, context and user agent), without
-- which its bytes cannot be read as they were read then.
alter table dead_letter add column envelope jsonb;
