"""The API of the MinIO Manager Service, so that its existing clients go on; docs/mms.md has the differences."""
