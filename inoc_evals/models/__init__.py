"""How a model is run: any run or checkpoint by one name, behind Inspect's `inoc/` provider."""
