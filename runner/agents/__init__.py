"""Agents, one adapter a file."""
