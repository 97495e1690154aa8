"""Rubrics themselves: explained, tried by mutation, and one version held against another."""
