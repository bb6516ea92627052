"""Every event, from Kafka into the warehouse."""
