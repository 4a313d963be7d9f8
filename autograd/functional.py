"""Gradients of functions, without touching anyone's `.grad`."""
