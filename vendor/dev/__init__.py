"""The embedded development stack: every server the gateway needs, as plain child processes on loopback."""
