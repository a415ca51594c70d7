"""Two tables of events held against each other: two runs, or a run and a list of another mission."""
