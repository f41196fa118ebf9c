"""The page that shows two models: state, scene, gap tables, exports. May import `shell`, `drawing` and `explore`."""

TITLE, PLACE = "Compare", 2
