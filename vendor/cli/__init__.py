"""The command `vend`."""
