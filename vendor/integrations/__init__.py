"""Hooks for programs that run on the user's side."""
