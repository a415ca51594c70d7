"""What Python programs and notebooks call; the names are in `reprocess`."""
