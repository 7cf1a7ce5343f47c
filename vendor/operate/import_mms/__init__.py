"""Take over what an existing MinIO Manager Service keeps: users, groups, stewards, and the shares in its policies."""
