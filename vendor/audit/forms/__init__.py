"""The form of each event, sorted by what it is about."""
