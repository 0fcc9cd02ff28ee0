"""What needs nothing but Python and pydantic: settings, the clock, identifiers, refusals, field types and base schemas of requests,
keyed hashes of secrets.
"""
