"""Ready-made predicates under stable names; `catalogue` says how they are made and found."""
