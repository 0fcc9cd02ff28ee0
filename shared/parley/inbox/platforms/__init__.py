"""What a messaging platform speaks: its webhooks read into one form of updates, its API asked. No database, no tenant."""
