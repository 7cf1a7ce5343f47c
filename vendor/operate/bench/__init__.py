"""`vendor bench`, and the load it and the project's own benchmark are made with."""
