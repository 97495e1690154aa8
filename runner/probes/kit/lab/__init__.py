"""The produced app in a sandbox, with a stand-in provider and a visitor."""
