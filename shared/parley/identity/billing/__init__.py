"""An organization's plan and what follows from it: payments, seats, how far back it may look, how many strangers it may write to."""
