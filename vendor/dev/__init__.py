"""The embedded development stack: real servers as plain processes, for `vendor dev`, the demo and the tests."""
