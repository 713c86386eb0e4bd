"""Hop 8. Views and metrics in, Grafana dashboards and Prometheus alerts out."""
