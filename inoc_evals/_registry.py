"""What Inspect loads by entry point: tasks, scorers, metrics and model providers, nothing else."""
