// What every JavaScript client does: see loop.py.
import { readFileSync } from "node:fs";

const env = process.env;
export const bucket = env.CLIENT_BUCKET;
export const endpoint = env.CLIENT_ENDPOINT;
export const region = env.AWS_REGION;

export function version(name) {
  return JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version;
}

async function refused(call) {
  try {
    await call();
  } catch (problem) {
    if (/AccessDenied|Access Denied|Forbidden|\b403\b/i.test(`${problem.name} ${problem.code} ${problem.message}`)) return true;
    console.error(`refused in another way: ${problem.name} ${problem.message}`);
  }
  return false;
}

export async function run(name, put, get) {
  const until = Date.now() + Number(env.CLIENT_SECONDS) * 1000;
  let rounds = 0;
  while (Date.now() < until) {
    const content = `round ${rounds}`;
    await put(`${env.CLIENT_INSIDE}round`, content);
    if ((await get(`${env.CLIENT_INSIDE}round`)) !== content) throw new Error("read something else than was written");
    rounds += 1;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const denied =
    (await refused(() => get(`${env.CLIENT_OUTSIDE}hello.txt`))) &&
    (await refused(() => put(`${env.CLIENT_OUTSIDE}mine`, "x")));
  console.log(JSON.stringify({ version: version(name), rounds, denied }));
}
