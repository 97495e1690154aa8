"""Rubric x evidence -> score."""
