"""Messages on their way to a platform: outbox, queue per place, one growing message."""
