"""Who is asking: tokens in, principals out, and the gateway's own signing keys."""
