"""Hop 2. SDK calls over HTTP in, checked events on topic `events` out."""
