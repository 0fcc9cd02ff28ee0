"""What a role may and who may give it: the catalogue of scopes, the rules of ranks, and what a member may at this moment (RBAC)."""
