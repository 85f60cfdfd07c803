"""One module per command of `inoc-evals`: each parses its options, calls the library and prints."""
