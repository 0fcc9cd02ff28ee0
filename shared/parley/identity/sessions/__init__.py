"""A log-in that lasts: the session, its refresh and access tokens, their keys, the cookie, and the organization that makes single sign-on
a must.
"""
