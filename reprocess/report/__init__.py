"""The page that tells what a run gave and what it rests on."""
