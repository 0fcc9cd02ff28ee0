"""Proving who one is: password, second factor, a fresh proof of somebody who is logged in, and the throttle against guessing (brute
force).
"""
