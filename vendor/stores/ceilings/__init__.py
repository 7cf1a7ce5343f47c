"""Policy documents that the gateway keeps in a store, for leases to be limited by: see docs/revocation.md."""
