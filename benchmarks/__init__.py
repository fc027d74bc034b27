"""How fast the package is, as ratios of two things that are timed in the same run."""
