"""What every room may use: fields of requests, reads of rows, ownership, branding, templates, CSV."""
