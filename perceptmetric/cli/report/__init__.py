"""The report of a run: one page to look at each pair, its map, and its place among the others."""
