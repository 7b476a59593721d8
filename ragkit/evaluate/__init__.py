"""Measures of detection on labelled text: what was found, what was missed, how sure one can be of either."""
