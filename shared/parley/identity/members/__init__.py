"""Who belongs to an organization: members, teams, invitations, and people whom a directory provisions."""
