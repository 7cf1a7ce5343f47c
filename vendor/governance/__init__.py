"""Who may touch what: users, tenants and shares in Redis."""
