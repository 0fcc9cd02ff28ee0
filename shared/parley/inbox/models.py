"""Tables of inbox."""
