/** The few questions that are put to the API server while a cluster is started. */
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { addressPlan } from './ranges.ts';

/** One answer. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Asks as administrator; undefined when no API server answers. */
export async function ask(folder: string, number: number, path: string): Promise<Answer | undefined> {
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', 'admin.crt', 'admin.key'].map((name) => readFile(join(folder, 'pki', name), 'utf8')),
  );
  const options = {
    host: addressPlan(number).controlPlane,
    port: 6443,
    path,
    ca,
    cert,
    key,
    agent: false,
    timeout: 5_000,
  };
  return new Promise((resolve) => {
    const asked = request(options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', () => resolve(undefined));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

/** Whether a node is Ready since the boot with this id: right after a power cut the old one's word still stands. */
export async function isReady(folder: string, number: number, node: string, bootId: string): Promise<boolean> {
  const answer = await ask(folder, number, `/api/v1/nodes/${node}`);
  if (answer?.status !== 200) return false;
  const { status } = JSON.parse(answer.body) as {
    status: { conditions?: { type: string; status: string }[]; nodeInfo?: { bootID: string } };
  };
  const ready = status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return ready === true && status.nodeInfo?.bootID === bootId;
}
