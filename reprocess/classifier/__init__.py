"""The classifier: bundles, engines, and where the published model comes from."""
