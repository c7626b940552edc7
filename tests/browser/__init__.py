"""The shop as people use it: Chromium, a real server, the demo catalogue and the shipped plugins.

A package, so that its browser is closed before the tests of other folders run: Playwright keeps
an event loop in the thread that opened it.
"""
