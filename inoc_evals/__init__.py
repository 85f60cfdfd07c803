"""Inoculation prompting as an Inspect AI suite."""
