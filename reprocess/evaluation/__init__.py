"""How good a model is on whole satellite-days of which all events are known."""
