"""Probes, one file each; kit/ holds what they share."""
