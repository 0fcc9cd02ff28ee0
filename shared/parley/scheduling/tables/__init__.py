"""Tables and the enums of their columns, by noun. Knows nothing above it."""
