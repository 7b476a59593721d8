"""The carried encoder: its files, its tokenizer, its forward pass. Shared by the index and the detector."""
