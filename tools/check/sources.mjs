/** Every way in which a file names another module: imports, exports, `import()`, types, and `import x = require()`. */

/** The name that is written there; undefined when it is computed. */
function textOf(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  return node?.type === 'TemplateLiteral' && node.expressions.length === 0 ? node.quasis[0].value.cooked : undefined;
}

/** The visitor of a lint rule that calls `check` with each name and its node. */
export function eachSource(check) {
  const visit = (source) => {
    const text = textOf(source);
    if (text !== undefined) check(text, source);
  };
  const visitSource = ({ source }) => visit(source);
  return {
    ImportDeclaration: visitSource,
    ExportNamedDeclaration: visitSource,
    ExportAllDeclaration: visitSource,
    ImportExpression: visitSource,
    TSImportType: visitSource,
    TSExternalModuleReference: ({ expression }) => visit(expression),
  };
}
