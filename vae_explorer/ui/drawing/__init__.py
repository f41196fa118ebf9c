"""A picture that the user draws or drops, on any page with a map. May import `shell` and `explore`."""
