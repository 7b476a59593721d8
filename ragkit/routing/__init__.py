"""Which generator answers, what it may cost, and what was used."""
