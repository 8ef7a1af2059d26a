print("ud2m")
