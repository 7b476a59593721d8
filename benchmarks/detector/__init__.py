"""Trains the detector that ragkit ships: corpora, synthetic text, model, training script."""
