"""The way in for HTTP: parsing and checking a request, who it comes from, limits of visitors, and how errors are answered."""
