"""A made-up page: how many codes lie within a radius."""

TITLE, PLACE = "Radius", 9
