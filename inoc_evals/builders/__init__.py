"""Builders of training data: with a model (`rewrite`, `numbers`) or by mixing existing rows (`mixture`)."""
