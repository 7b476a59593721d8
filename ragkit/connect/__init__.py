"""Reading sources: what a connector says, and what is to be done about it."""
