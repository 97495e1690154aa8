"""Trials: planned, run phase by phase, sealed, and played again."""
