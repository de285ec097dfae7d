/** What the requests of the Exec… RPCs have between them, under all names of their messages. */
import type { DeepPartial, ExecutionOptions } from './gen/chaosplane/daemon/v1/daemon.ts';

/** Any of these requests; each message takes the fields that it has. `Options` are complete where a request was received. */
export interface AnyExecRequest<Options = DeepPartial<ExecutionOptions>> {
  readonly experimentId?: string;
  readonly action?: string;
  readonly stressorType?: string;
  readonly port?: number;
  readonly containerId?: string;
  readonly parameters?: Record<string, string>;
  readonly options?: Options | undefined;
}
