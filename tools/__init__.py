"""What `make` runs for who keeps an installation: updates and advisories."""
