"""One module per outside thing; each translates that thing's errors; none knows another."""
