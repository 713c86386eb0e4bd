"""Simulated shoppers: seeded visits to a shop, for training without data and for traffic without people."""
