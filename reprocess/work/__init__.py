"""What lies in a WORK directory, and the only code that reads and writes it."""
