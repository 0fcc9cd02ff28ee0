"""A person's account and what proves that it is theirs: address, password, second factor, links in mails, alerts. Nothing here logs
anybody in.
"""
