"""Typed fingerprints of pictures and texts: plain functions from bytes or text to values."""
