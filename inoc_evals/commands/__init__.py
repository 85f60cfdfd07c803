"""One module a command of `inoc-evals`: each parses its options, calls the library and prints."""
