"""Pools of hosts who share bookings: who takes the next one, and who has had how many."""
