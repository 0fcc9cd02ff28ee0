"""What people do to their own account: register, change profile, password, address and second factor, see and end sessions, take it back,
delete it.
"""
