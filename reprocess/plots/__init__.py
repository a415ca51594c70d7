"""Records drawn over time: an event, a satellite-day, a crossing of the belt."""
