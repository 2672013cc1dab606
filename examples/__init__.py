"""The demo, and where it takes its speech model from."""
