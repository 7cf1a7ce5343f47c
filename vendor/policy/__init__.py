"""What may be done, as documents: pure functions without clock, network or database."""
