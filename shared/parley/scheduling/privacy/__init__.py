"""What is forgotten of a person: invitees who are erased, hosts who leave."""
