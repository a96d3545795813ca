"""The pages: layout and binding over `lake.dashboards.panels`. Only this package and the app load
Streamlit; it holds no SQL and counts nothing.
"""
