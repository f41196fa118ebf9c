"""The page of the user's own images: upload, previews, an example. May import `shell`."""

TITLE, PLACE = "Data", 5
