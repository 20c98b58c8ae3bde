"""Files that others captured with other tools, read within bounds, record by record."""
