"""Reading sources: the sync engine and the sandboxed parsers."""
