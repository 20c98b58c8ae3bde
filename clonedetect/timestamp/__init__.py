"""Trusted time (RFC 3161): whom to ask, the one connection for it, and what an answer is worth."""
