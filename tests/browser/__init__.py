"""The lessons and the widgets in a real JupyterLab and a real browser.

This is a package, so that its server and its browser end with its last test: Playwright keeps an event loop running in
the thread of the tests, and the tests that come after want to start loops of their own.
"""
