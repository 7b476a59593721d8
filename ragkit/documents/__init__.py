"""Documents given by callers and those that are held: upload, list, read, delete."""
