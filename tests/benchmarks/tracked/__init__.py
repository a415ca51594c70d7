"""What asv follows from commit to commit (``make track``): commands, which older commits have too."""
