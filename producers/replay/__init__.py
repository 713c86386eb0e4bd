"""Event logs of others, replayed through ingest with their event time: one module a file format."""
