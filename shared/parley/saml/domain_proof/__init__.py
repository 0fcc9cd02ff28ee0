"""Mail domains that an organization has proven in DNS, looked at again by a sweep."""
