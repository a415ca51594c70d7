"""From an archive and a list of events to a model."""
