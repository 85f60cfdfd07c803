"""Training data that has to be made first: by a model (`rewrite`, `numbers`) or by mixing (`mixture`)."""
