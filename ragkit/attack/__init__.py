"""What a stolen workspace gives away: the thief's tools, and how well they do. Run by ``ragkit attack``."""
