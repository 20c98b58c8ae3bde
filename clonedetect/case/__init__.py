"""The case folder: its database, its objects, its lock."""
