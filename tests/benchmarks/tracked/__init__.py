"""What asv follows from commit to commit (``make track``); by the command line, which older commits have."""
