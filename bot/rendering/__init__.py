"""Values and errors → text and messages within each platform's limits."""
