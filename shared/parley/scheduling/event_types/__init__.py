"""What can be booked, on which terms, with which questions, and under which slug."""
