"""One writer while a service runs: what others want written goes through it."""
