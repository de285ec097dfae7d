/** Commits have a subject of 72 characters at most, and a body where they change more than a little. */
import { execa } from 'execa';

/** Earlier commits are as they are. A clone without it, shallow or squashed, is not checked. */
const BASE = '2bf56095fa1aeb9282d6b1b4c0efc04aa19a8e9a';
const LONGEST_SUBJECT = 72;
/** Changed lines up to which the subject says enough. */
const TRIVIAL_LINES = 20;

/** What is wrong with the commits of a log in this format, with `--shortstat`. */
const FORMAT = '%x01%h%x00%s%x00%b%x00';
export function wrongCommits(log: string): readonly string[] {
  const commits = log.split('\x01').slice(1);
  return commits.flatMap((commit) => {
    const [id = '', subject = '', body = '', statistics = ''] = commit.split('\0');
    const counts = [...statistics.matchAll(/(\d+) (?:insertion|deletion)/g)];
    const lines = counts.reduce((sum, [, count]) => sum + Number(count), 0);
    const { length } = subject;
    return [
      ...(length > LONGEST_SUBJECT ? [`${id}: the subject has ${length} characters, at most ${LONGEST_SUBJECT}`] : []),
      ...(lines > TRIVIAL_LINES && body.trim() === '' ? [`${id}: ${lines} lines changed, and no body says why`] : []),
    ];
  });
}

if (import.meta.main) {
  const { exitCode } = await execa('git', ['merge-base', '--is-ancestor', BASE, 'HEAD'], { reject: false });
  const log = ['log', '--no-merges', '--shortstat', `--format=${FORMAT}`, `${BASE}..HEAD`];
  const wrong = exitCode === 0 ? wrongCommits((await execa('git', log)).stdout) : [];
  for (const line of wrong) process.stderr.write(`${line}\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
