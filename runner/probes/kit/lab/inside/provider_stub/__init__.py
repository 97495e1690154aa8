"""Stands in for the model provider: runs inside the helper sandbox by plain python3, see __main__.py."""
