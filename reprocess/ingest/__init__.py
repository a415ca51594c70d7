"""First stage: NOAA's files become records of the archive."""
