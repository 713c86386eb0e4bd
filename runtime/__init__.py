"""What every process needs: settings, logging, health endpoints, Kafka clients, clean stopping."""
