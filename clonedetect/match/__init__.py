"""Exact comparison of candidates, and the decision with its reasons."""
