"""Proof from the disk that what the ledger claims is there, and repair where it is not."""
