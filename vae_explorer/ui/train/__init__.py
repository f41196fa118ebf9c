"""The page that trains: a recipe, its forecast, the film of a run, its diagnosis. May import `shell`."""

TITLE, PLACE = "Train", 4
