"""Task directories of Harbor (https://www.harborframework.com), read as data and written."""
