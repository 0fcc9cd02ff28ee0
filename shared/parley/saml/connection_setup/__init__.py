"""An organization's connection to its identity provider: proposed by an administrator, agreed to by the owner."""
