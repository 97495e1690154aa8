"""Executors, one file each."""
