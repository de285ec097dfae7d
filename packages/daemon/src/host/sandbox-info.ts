/** Finding a sandbox's network namespace in what containerd and CRI-O say in a verbose status. */
import { z } from 'zod';

const infoSchema = z.object({
  pid: z.number().int().optional().catch(undefined),
  runtimeSpec: z
    .object({
      linux: z.object({ namespaces: z.array(z.object({ type: z.string(), path: z.string().optional() })) }),
    })
    .optional()
    .catch(undefined),
});

/**
 * Where the network namespace can be opened: the path that the runtime keeps it at, or that of the sandbox's process.
 * Absent when the runtime says neither. `info` is the JSON under the key `info` of PodSandboxStatusResponse.
 */
export function networkNamespacePath(info: string | undefined): string | undefined {
  const parsed = infoSchema.safeParse(parseJson(info));
  if (!parsed.success) return undefined;
  const { pid = 0, runtimeSpec } = parsed.data;
  const network = runtimeSpec?.linux.namespaces.find(({ type }) => type === 'network');
  if (network?.path !== undefined && network.path !== '') return network.path;
  return pid > 0 ? `/proc/${pid}/ns/net` : undefined;
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
