"""The report on a folder of logs: one HTML page with results and the source of every number."""
