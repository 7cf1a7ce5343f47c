"""An S3 endpoint on loopback for programs that know only an access key and a secret: it signs again with a lease."""
