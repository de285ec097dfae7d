/** A kind as the text of its CustomResourceDefinition. Pure. */
import { stringify } from 'yaml';
import { convert } from './convert.ts';
import type { Column, Definition } from './definition.ts';
import { withAdditions } from './place.ts';
import type { Structural } from './structural.ts';

const GROUP = 'chaos.chaosplane.io';
const VERSION = 'v1alpha1';
const NOTE = '# Generated from packages/api by `npm run gen`; edit the schema there, or tools/gen/crd.';

/** The whole schema of a kind: apiVersion, kind and metadata are the API server's own. */
export function schemaOf({ schema, additions, description }: Definition): Structural {
  return { description, ...withAdditions(convert(schema, ''), additions) };
}

/** The definition as YAML. */
export function renderDefinition(definition: Definition): string {
  const { kind, plural, singular, shortNames, categories, scope, columns } = definition;
  const schema = schemaOf(definition);
  const status = schema.properties?.['status'] !== undefined;
  const document = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        ...(shortNames.length > 0 && { shortNames }),
        ...(categories.length > 0 && { categories }),
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: columns.map(columnOf),
          ...(status && { subresources: { status: {} } }),
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  };
  // Without aliases: schemas that are used twice are written twice.
  return `${NOTE}\n${stringify(document, { aliasDuplicateObjects: false, lineWidth: 0, singleQuote: true })}`;
}

function columnOf({ wide, ...column }: Column): object {
  return { ...column, ...(wide && { priority: 1 }) };
}
