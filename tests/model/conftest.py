import tests.profiles  # noqa: F401 - registers and loads
