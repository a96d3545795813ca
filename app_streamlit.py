"""The dashboards' entry: `lake dashboard`, or `streamlit run app_streamlit.py -- [LAKE]`.
Everything it shows comes from `sql/dashboards/`; how it is laid out is `lake.ui`'s business.
"""

from lake.ui.app import main

main()
