"""boto3 with its default chain of credentials."""

import boto3
import loop
from botocore.config import Config

session = boto3.session.Session()
s3 = session.client("s3", endpoint_url=loop.ENDPOINT, config=Config(s3={"addressing_style": "path"}, proxies={}))
loop.run(
    boto3.__version__,
    lambda key, content: s3.put_object(Bucket=loop.BUCKET, Key=key, Body=content),
    lambda key: s3.get_object(Bucket=loop.BUCKET, Key=key)["Body"].read(),
)
