"""The user's side of the HTTP API."""
