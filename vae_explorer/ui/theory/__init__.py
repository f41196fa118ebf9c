"""The page of formulas: a course of screens, each a question, a picture and live terms. May import `shell`, `explore`.

`screen.py` says what a screen is made of, `screens/` holds one module a screen, `course.py` their order; the maths is
in `vae_explorer.theory`, the picture in `canvas/theory/screens/`.
"""

TITLE, PLACE = "Theory", 3
