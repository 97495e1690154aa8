"""The shipworthy command."""
