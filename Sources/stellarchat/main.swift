print("stellarchat")
