"""The modes: one file of rules each, from a class per window to events."""
