"""Tables, the enums of their columns and the fields of requests, and what every room may use: reads of rows, ownership, branding,
templates, CSV.
"""
