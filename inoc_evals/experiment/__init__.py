"""Grids of finetunes and evaluations, and the demo that is the smallest of them."""
