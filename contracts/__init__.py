"""What travels between the steps: typed events, features, decisions, outcomes and dead letters, and the topics they travel on."""
