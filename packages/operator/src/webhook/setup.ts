/** Sets the webhook up: on every replica, whether it leads or not. */
import { reportTurned } from '@chaosplane/common';
import type { Component } from '@chaosplane/kube';
import type { OperatorConfig } from '../config.ts';
import type { OperatorParts } from '../parts.ts';
import { serveWebhook, type WebhookServer } from './server.ts';
import { keepTrust } from './trust.ts';

/** Nothing, where it is not asked for. */
export function setupWebhook(config: OperatorConfig, parts: Required<OperatorParts>): readonly Component[] {
  const { webhookListen: listen, webhookCertificate: certificate, webhookKey: key, webhookConfiguration } = config;
  if (listen === undefined || certificate === undefined || key === undefined) return [];
  const { clock, logger, metrics } = parts;
  const onTurned = reportTurned('webhook', { clock, logger, count: (port, why) => metrics.countTurned(port, why) });
  let server: WebhookServer | undefined;
  let trust: Promise<void> | undefined;
  const life = new AbortController();
  return [
    {
      name: 'webhook',
      start: async () => {
        server = await serveWebhook({ listen, certificate, key }, { clock, logger, onTurned });
        trust = keepTrust({ name: webhookConfiguration, ca: config.tlsCa }, parts, life.signal);
      },
      stop: async () => {
        life.abort();
        await server?.close();
        await trust;
      },
    },
  ];
}
