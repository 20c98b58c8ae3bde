"""Settings: strict TOML over built-in values, every value with its source, all of it under one digest."""
