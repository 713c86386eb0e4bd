"""Where events come from (hop 1: the tracker, simulated shoppers, replays) and where they enter (hop 2: ingest)."""
