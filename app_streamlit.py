"""The dashboards' entry: `lake dashboard`, or `streamlit run app_streamlit.py -- [LAKE]`.
Everything it shows comes from `sql/dashboards/`; how it is laid out is `lake.ui`'s business.

Streamlit runs this file for every page; `streamlit run` also finds the server in it, and imports
that first.
"""

import streamlit as st

if __name__ == "__main__":
    from lake.ui.app import main

    main()
else:
    from lake.ui.serve import middleware, served

    app = st.App(__file__, lifespan=served, middleware=middleware())
