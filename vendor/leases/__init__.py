"""The use cases: vend, renew, revoke."""
