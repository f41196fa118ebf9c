"""What a page holds: one declared table of fields a page, which its link, reports, start and changes are read off.

Knows nothing of Streamlit, models or files. May import the standard library.
"""
