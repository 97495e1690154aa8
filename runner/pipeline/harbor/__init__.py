"""Tasks from Harbor and for Harbor, with their graders."""
