"""Figures of `./run bench`: the table of goals, what they run in, and a module for each kind of them."""
