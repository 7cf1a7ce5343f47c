"""obstore: object_store, the Rust library below Polars, delta-rs and DataFusion."""

import loop
import obstore
from obstore.store import S3Store

store = S3Store(loop.BUCKET, endpoint=loop.ENDPOINT, region=loop.REGION, virtual_hosted_style_request=False)
loop.run(
    obstore.__version__,
    lambda key, content: obstore.put(store, key, content),
    lambda key: bytes(obstore.get(store, key).bytes()),
)
