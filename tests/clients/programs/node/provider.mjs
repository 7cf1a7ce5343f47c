// Keys of a lease for the MinIO client, whose own provider does not understand container credentials.
import { readFileSync } from "node:fs";
import { IamAwsProvider } from "minio";

export class LeaseProvider extends IamAwsProvider {
  due = 0;
  end = 0;

  async getCredentials() {
    if (Date.now() >= this.due) {
      try {
        await this.renew();
      } catch (problem) {
        if (Date.now() >= this.end) throw problem; // else the keys at hand are still good
      }
    }
    return this.credentials;
  }

  async renew() {
    const authorization = readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, "utf8");
    const answer = await fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers: { authorization } });
    if (!answer.ok) throw new Error(`no keys: ${answer.status} ${await answer.text()}`);
    const keys = await answer.json();
    this.setAccessKey(keys.AccessKeyId);
    this.setSecretKey(keys.SecretAccessKey);
    this.setSessionToken(keys.Token);
    this.end = Date.parse(keys.Expiration);
    this.due = (Date.now() + this.end) / 2;
  }
}
