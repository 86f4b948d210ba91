from hypothesis import settings

# files are written and read in each example: how long that takes is the machine's business
settings.register_profile("files", deadline=None)
settings.load_profile("files")
