"""`python -m reprocess` is the `reprocess` command; job scripts name the interpreter this way."""

from reprocess.cli import main

main(prog_name="reprocess")
