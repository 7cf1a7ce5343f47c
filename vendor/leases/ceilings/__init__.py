"""Ceilings: what live leases are limited by in the store itself, so that what is taken away is gone at once."""
