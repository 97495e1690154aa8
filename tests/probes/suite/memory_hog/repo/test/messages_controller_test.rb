HOG = []
loop { HOG << "x" * 10_000_000 }
