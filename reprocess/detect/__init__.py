"""Second stage: records become events and the time in which events could be found."""
