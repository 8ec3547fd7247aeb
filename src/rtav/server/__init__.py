"""Composition, HTTP routes, keys and admission."""
