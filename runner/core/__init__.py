"""Frozen records, protocols, errors and the plug-in registry: all that stages share."""
