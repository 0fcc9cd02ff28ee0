"""What is kept and how it is read: transactions and sessions, what tables have in common, pagination, encrypted columns, the
directory, the outbox, idempotency keys, rate limits.
"""
