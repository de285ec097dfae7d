/** Every driver of faults. One that the journal has and that is missing here is a compile error. */
import type { DriverContext } from '../context.ts';
import { oneShotDriver } from './one-shot/driver.ts';
import { networkDriver } from './network/driver.ts';
import { processDriver } from './process/driver.ts';
import { proxyDriver } from './proxy/driver.ts';
import type { Drivers } from './driver.ts';

export function createDrivers(context: DriverContext): Drivers {
  return {
    network: networkDriver(context),
    proxy: proxyDriver(context),
    process: processDriver(context),
    'one-shot': oneShotDriver(context),
  };
}
