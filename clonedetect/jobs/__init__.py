"""Whole jobs: here rooms that do not know each other are wired together."""
