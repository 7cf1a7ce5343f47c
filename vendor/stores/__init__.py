"""The object stores behind the gateway and how each of them issues temporary credentials."""
