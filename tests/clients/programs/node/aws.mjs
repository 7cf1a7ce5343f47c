// AWS SDK for JavaScript v3 with its default chain of credentials.
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { bucket, endpoint, region, run } from "./loop.mjs";

const s3 = new S3Client({ endpoint, region, forcePathStyle: true });
await run(
  "@aws-sdk/client-s3",
  (key, content) => s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content })),
  async (key) => (await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body.transformToString(),
);
