"""Sealed runs, evidence and score ledgers."""
