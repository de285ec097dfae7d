/** Writes a new RPC and its request message into the contract. Pure. */
import type { Names } from './names.ts';

/** @throws Error when the contract has that RPC already, or is not laid out as it was. */
export function withRpc(proto: string, { pascal, kebab }: Names): string {
  const rpc = `Exec${pascal}Chaos`;
  if (proto.includes(`rpc ${rpc}(`)) throw new Error(`the contract has the RPC ${rpc} already`);
  const lines = proto.split('\n');
  const lastRpc = lines.findLastIndex((line) => /^ {2}rpc Exec\w+\(\w+\) returns \(ChaosResponse\);$/.test(line));
  const options = lines.findIndex((line) => line.startsWith('// What a caller may add to any Exec… request.'));
  if (lastRpc < 0 || options < 0) throw new Error('the contract is not laid out as this program knows it');
  const message = [
    `message Exec${pascal}Request {`,
    '  string experiment_id = 1;',
    '  map<string, string> parameters = 2;',
    '  ExecutionOptions options = 15;',
    '}',
    '',
  ];
  return [
    ...lines.slice(0, lastRpc + 1),
    `  // HOLE: what ${kebab} does, in one sentence.`,
    `  rpc ${rpc}(Exec${pascal}Request) returns (ChaosResponse);`,
    ...lines.slice(lastRpc + 1, options),
    ...message,
    ...lines.slice(options),
  ].join('\n');
}
