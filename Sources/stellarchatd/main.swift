print("stellarchatd")
