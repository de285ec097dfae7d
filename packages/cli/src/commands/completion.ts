/** `chaosplane completion`: what a shell offers behind the words that are typed. */
import tab from '@bomb.sh/tab/commander';
import { catalogue } from '@chaosplane/actions';
import type { Command } from 'commander';

/** Tells the shell to offer files. */
const FILES = ':0';

/** Comes last: it knows the commands that are there by then. */
export function addCompletion(program: Command): void {
  const completion = tab(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.description('print what makes a shell complete this command: source <(chaosplane completion bash)');
  // A description is one line to the shells.
  for (const command of completion.commands.values()) command.description = command.description.split('\n')[0] ?? '';
  completion.commands.get('actions')?.argument('name', (complete) => {
    for (const { name, summary } of catalogue) complete(name, summary);
  });
  // @bomb.sh/tab 0.0.22 lets no argument be a file.
  const parse = completion.parse.bind(completion);
  completion.parse = (words) => {
    const [command, ...rest] = words;
    if ((command === 'run' || command === 'explain') && rest.at(-1)?.startsWith('-') === false)
      process.stdout.write(`${FILES}\n`);
    else parse(words);
  };
}
