"""Where blocks are worked on: Dask, batch systems, shares without either, and what it will cost."""
