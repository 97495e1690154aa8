"""A visit to a running app: what a person does in a browser, and what it shows."""
