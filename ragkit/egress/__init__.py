"""The one door out: what may leave for which destination, and how."""
