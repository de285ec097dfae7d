/** A client from before ChaosPlane had anything of its own: made from the first contract's text, by another library. */
import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const CONTRACT = `${import.meta.dirname}/../../../../tools/gen/baseline/chaosplane/daemon/v1/daemon.proto`;

type Callback<Response> = (error: ServiceError | null, response?: Response) => void;

/** What the first contract says, of the calls that are used here. */
interface Methods {
  execNetworkChaos(
    request: { experimentId: string; action: string; parameters: Record<string, string> },
    callback: Callback<{ executionId: string; message: string }>,
  ): void;
  cancelChaos(request: { executionId: string }, callback: Callback<{ message: string }>): void;
  close(): void;
}

/** It sends no options and no deadline. */
export interface OldClient {
  exec(
    action: string,
    podName: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<{ executionId: string; message: string }>;
  cancel(executionId: string): Promise<{ message: string }>;
  close(): void;
}

/** Connects to a unix socket. */
export function oldClient(socketPath: string): OldClient {
  const loaded = loadPackageDefinition(loadSync(CONTRACT)) as unknown as {
    chaosplane: { daemon: { v1: { ChaosDaemon: new (address: string, credentials: unknown) => Methods } } };
  };
  const methods = new loaded.chaosplane.daemon.v1.ChaosDaemon(`unix:${socketPath}`, credentials.createInsecure());
  const call = <Response>(send: (callback: Callback<Response>) => void): Promise<Response> =>
    new Promise((resolve, reject) => {
      send((error, response) => {
        if (error !== null) reject(error);
        else if (response === undefined) reject(new Error('an answer without a message'));
        else resolve(response);
      });
    });
  return {
    exec: (action, podName, parameters) =>
      call((callback) => {
        const all = { podName, podNamespace: 'default', ...parameters };
        methods.execNetworkChaos({ experimentId: 'old', action, parameters: all }, callback);
      }),
    cancel: (executionId) => call((callback) => methods.cancelChaos({ executionId }, callback)),
    close: () => methods.close(),
  };
}
