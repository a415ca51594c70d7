"""Third stage: events and exposure become maps of occurrence by L and MLT."""
