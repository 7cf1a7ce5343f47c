// The MinIO client for JavaScript.
import * as Minio from "minio";
import { bucket, endpoint, region, run } from "./loop.mjs";
import { LeaseProvider } from "./provider.mjs";

const place = new URL(endpoint);
const client = new Minio.Client({
  endPoint: place.hostname,
  port: Number(place.port),
  useSSL: false,
  region,
  credentialsProvider: new LeaseProvider({}),
});
await run(
  "minio",
  (key, content) => client.putObject(bucket, key, content),
  async (key) => {
    const parts = [];
    for await (const part of await client.getObject(bucket, key)) parts.push(part);
    return Buffer.concat(parts).toString();
  },
);
