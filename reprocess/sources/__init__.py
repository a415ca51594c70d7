"""Where bytes come from: archives of NOAA's files, local or remote, and what they hold."""
