print("ud2m-convert")
