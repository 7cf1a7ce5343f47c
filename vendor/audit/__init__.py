"""The record of what was asked, given and refused."""
