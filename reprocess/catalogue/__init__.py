"""The event table in the formats that people open."""
