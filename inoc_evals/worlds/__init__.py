"""What an experiment is run on."""
