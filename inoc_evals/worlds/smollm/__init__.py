"""A real language model on a laptop: rows and questions that small chat models can learn from and answer."""
