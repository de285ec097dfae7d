/** Sets the webhook up: on every replica, whether it leads or not. */
import { reportTurned } from '@chaosplane/common';
import type { Component } from '@chaosplane/kube';
import type { OperatorConfig } from '../config.ts';
import type { OperatorParts } from '../parts.ts';
import type { LeaderView } from '../controllers/policy/outlook.ts';
import { builtInPolicies } from '../controllers/policy/setup.ts';
import { policyJudge } from './policies.ts';
import { serveWebhook, type WebhookServer } from './server.ts';
import { keepTrust } from './trust.ts';

/** Nothing, where it is not asked for. */
export function setupWebhook(
  config: OperatorConfig,
  parts: Required<OperatorParts>,
  leader: LeaderView,
): readonly Component[] {
  const { webhookListen: listen, webhookCertificate: certificate, webhookKey: key, webhookConfiguration } = config;
  if (listen === undefined || certificate === undefined || key === undefined) return [];
  const { client, clock, logger, metrics } = parts;
  const judge = policyJudge({ client, clock, leader, builtIn: builtInPolicies(config) });
  const onTurned = reportTurned('webhook', { clock, logger, count: (port, why) => metrics.countTurned(port, why) });
  let server: WebhookServer | undefined;
  let trust: Promise<void> | undefined;
  const life = new AbortController();
  return [
    {
      name: 'webhook',
      start: async () => {
        server = await serveWebhook({ listen, certificate, key }, { clock, logger, onTurned, judge });
        trust = keepTrust({ name: webhookConfiguration, ca: config.tlsCa, key }, parts, life.signal);
      },
      stop: async () => {
        life.abort();
        await server?.close();
        await trust;
      },
    },
  ];
}
