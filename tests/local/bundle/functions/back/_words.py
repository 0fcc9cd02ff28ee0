"""A module beside the handlers; the other folder has one of the same name."""

SIDE = "back"
