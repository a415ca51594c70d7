"""How a run goes, while it goes: on the Dask dashboard and for Prometheus."""
