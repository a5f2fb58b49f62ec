"""Randomized smoothing: certificates of any classifier, with a stated confidence."""
