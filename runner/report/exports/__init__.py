"""The formats of `shipworthy export`: one file each, named as the format is, with a FORMAT."""
