"""The OAuth doors: token exchange (RFC 8693) and revocation (RFC 7009)."""
