print("charles-emarsys")
