loop { STDERR.write("nothing to see here\n" * 5000) }
