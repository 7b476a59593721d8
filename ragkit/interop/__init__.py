"""ragkit and llama-index, each as a part of the other."""
