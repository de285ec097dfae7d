/** Builds kube-router, which enforces NetworkPolicies, for its long test from its Go module, once for each version. */
import {
  buildPrograms,
  cachedFolder,
  fetching,
  goCaller,
  moduleFolder,
  type BuildOptions,
} from '@chaosplane/testcluster/go';

/** The newest one that is published as a Go module. */
export const KUBE_ROUTER_VERSION = '2.1.0';
const MODULE = `github.com/cloudnativelabs/kube-router/v2@v${KUBE_ROUTER_VERSION}`;

const linkerFlags = `-s -w -X github.com/cloudnativelabs/kube-router/v2/pkg/version.Version=v${KUBE_ROUTER_VERSION}`;

/** The folder with the program `kube-router`; built when it is not there. Throws what Go said. */
export function kubeRouterFolder(options: BuildOptions): Promise<string> {
  return cachedFolder('kube-router', [MODULE, linkerFlags, process.arch], options, async (_work, bin) => {
    const { report } = options;
    const go = await goCaller(options);
    report(`building kube-router ${KUBE_ROUTER_VERSION} (once; some 5 minutes, more on a busy machine)`);
    const folder = await fetching('kube-router', report, () => moduleFolder(go, MODULE));
    await buildPrograms(go, [{ name: 'kube-router', package: './cmd/kube-router', folder, linkerFlags }], bin, report);
  });
}
