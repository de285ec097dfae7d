/** Every shape of fault that the engine knows. A shape that the journal has and that is missing here is a compile error. */
import type { ShapeContext } from '../context.ts';
import { actShape } from './act.ts';
import { networkShape } from './network.ts';
import { processShape } from './process.ts';
import { proxyShape } from './proxy.ts';
import type { Shapes } from './shape.ts';

export function createShapes(context: ShapeContext): Shapes {
  return {
    network: networkShape(context),
    proxy: proxyShape(context),
    process: processShape(context),
    act: actShape(context),
  };
}
