"""The use cases of governance: who may change users, tenants and shares, and each change with its record."""
