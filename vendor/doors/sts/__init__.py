"""The STS door: `POST /`, as SDKs ask it for keys with a web identity token."""
