"""The platform's own public content: SQLite holds the truth, hot files built from it answer lookups."""
