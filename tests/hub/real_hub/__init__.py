"""One real JupyterHub for all tests in here; see conftest.py."""
