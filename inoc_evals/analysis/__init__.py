"""From Inspect logs to conclusions: one table, honest estimates, figures."""
