"""Scripted engines, a fake peer, virtual time and contract suites, for our tests and yours."""
