"""Detectors that learned what personal data looks like, each behind ``detect(texts) -> spans``."""
