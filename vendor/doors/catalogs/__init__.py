"""Credential reads in the forms of catalogs, for engines that renew their keys by path."""
