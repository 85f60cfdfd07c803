"""The judge that model-graded scorers share: what it is asked, how it is read, and what was read."""
