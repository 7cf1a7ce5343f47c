"""Where the sealed log is delivered to: files, a bucket, a webhook, standard output."""
