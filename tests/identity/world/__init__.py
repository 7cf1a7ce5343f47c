"""A small world of identity providers on loopback, good and bad, and the tokens they would sign or never signed."""
