"""Agents, one adapter a file: `claude_code.py` is the agent `claude-code`."""

JOINED_BY = "-"
