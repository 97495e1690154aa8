"""The static site: pages that people look at, made from records and files as data. No page asks a network."""
