"""Training data that somebody has to make first: by a model (`rewrite`, `numbers`) or by mixing (`mixture`)."""
