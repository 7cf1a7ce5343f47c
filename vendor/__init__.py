"""Vendor: short-lived keys to exactly the data you may touch."""

from importlib.metadata import version

__version__ = version("sts-vendor")
