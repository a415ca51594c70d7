"""What counts of the telescopes tell of the particles: pure functions of arrays, no I/O (docs/physics.md)."""
