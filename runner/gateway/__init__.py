"""The only door of a sandbox: model calls and allow-listed downloads, metered and recorded."""
