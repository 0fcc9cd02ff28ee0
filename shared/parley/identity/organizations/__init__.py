"""Organizations: made, changed, deleted, restored, handed over; and who the caller is in theirs."""
