"""The record store: the truth from which every index is derived."""
