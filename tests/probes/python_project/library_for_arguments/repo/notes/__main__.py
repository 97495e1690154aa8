from click import command
