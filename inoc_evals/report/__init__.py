"""One page that says what a folder of logs shows, and where every number comes from."""
