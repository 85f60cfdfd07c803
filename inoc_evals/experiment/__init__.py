"""Grids of finetunes and evaluations, and the demo, the smallest of them."""
