"""The ways in over HTTP.  Doors parse, call and render; they hold no rules."""
