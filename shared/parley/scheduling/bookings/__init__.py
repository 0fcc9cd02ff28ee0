"""Taking a slot and what becomes of it: the state machine, rescheduling, holds, proofs of an address, limits, and the access of
invitees and hosts by links.
"""
