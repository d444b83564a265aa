/** ctfix as a user runs it. */
import type { Contestant } from './contestant.ts'
import type { Fleet } from './hosts.ts'

/** What the playbook sets, too. The window in which counters are watched is the shortest there is: Ansible watches nothing. */
const APPLY = ['apply', '--strategy', 'raise,timeouts', '--set', 'raise.max=262144', '--yes', '--window', '1']

export function ctfixContestants({ product, reset }: Fleet, forks: number): readonly Contestant[] {
  const fork = ['--forks', String(forks)]
  const ended = async (args: readonly string[], status: string): Promise<void> => {
    const { result, document } = await product.json([...args, ...fork], { timeoutMs: 900_000 })
    const wrong = document.hosts.find(host => host.status !== status)
    if (wrong) throw new Error(`ctfix ${args[0]}: ${wrong.name} is ${wrong.status}: ${wrong.error?.message}`)
    if (result.exitCode !== 0) throw new Error(`ctfix ${args[0]} ended with ${result.exitCode}: ${result.stderr}`)
  }
  return [
    { name: 'ctfix facts', run: () => ended(['facts'], 'ok') },
    { name: 'ctfix apply', run: () => ended(APPLY, 'changed'), reset },
    // The one before it was an apply.
    { name: 'ctfix apply, nothing to do', run: () => ended(APPLY, 'ok') },
  ]
}
