"""The streams: events to sessions and features, features to decisions, and all of it into Postgres."""
