"""From a masked question to re-checked hits."""
