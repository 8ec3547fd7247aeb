"""Servers of remote tools, asked by the Model Context Protocol."""
