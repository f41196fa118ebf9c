"""The page that shows one model: its state, its link, its scene, its exports. May import `shell` and `drawing`."""

TITLE, PLACE = "Explore", 1
