/** ansible-playbook on the same inventory, at its fastest: pipelining, no facts, no search for Python, the cheap key exchange. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../test/lab/container/exec.ts'
import { type Contestant, must } from './contestant.ts'
import type { Fleet } from './hosts.ts'
import { FAST_KEX } from './ssh.ts'

const PLAYBOOK = fileURLToPath(new URL('playbook.yml', import.meta.url))
/** Where Debian puts it. */
export const MITOGEN = '/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy'

export function ansibleContestants(fleet: Fleet, forks: number): readonly Contestant[] {
  const { product, reset } = fleet
  const sockets = join(product.directory, 'cp')
  mkdirSync(sockets, { recursive: true })
  const options = [FAST_KEX, `UserKnownHostsFile=${join(product.directory, 'known_hosts')}`, 'IdentitiesOnly=yes']
  const env = {
    ANSIBLE_FORKS: String(forks),
    ANSIBLE_PIPELINING: 'True',
    // Its 10 s for getting in are not enough where a hundred hosts share two cores; ctfix gives them as many.
    ANSIBLE_TIMEOUT: '60',
    ANSIBLE_HOST_KEY_CHECKING: 'True',
    ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3',
    ANSIBLE_NOCOLOR: '1',
    ANSIBLE_LOCAL_TEMP: join(product.directory, 'ansible'),
    ANSIBLE_SSH_CONTROL_PATH_DIR: sockets,
    // Ansible's own words, and ours behind them.
    ANSIBLE_SSH_ARGS: ['-C -o ControlMaster=auto -o ControlPersist=60s', ...options.map(word => `-o ${word}`)].join(
      ' ',
    ),
  }
  const play = (more: Readonly<Record<string, string>>) => async (): Promise<void> => {
    await must('ansible-playbook', ['-i', product.inventory, PLAYBOOK], { env: { ...env, ...more } })
  }
  // Everybody logs in anew in every round.
  const after = async (): Promise<void> => {
    for (const socket of readdirSync(sockets)) await run('ssh', ['-O', 'exit', '-S', join(sockets, socket), 'master'])
  }
  const mitogen = { ANSIBLE_STRATEGY_PLUGINS: MITOGEN, ANSIBLE_STRATEGY: 'mitogen_linear' }
  return [
    { name: 'ansible-playbook (pipelining)', run: play({}), reset, after },
    ...(existsSync(MITOGEN) ? [{ name: 'ansible-playbook (mitogen)', run: play(mitogen), reset, after }] : []),
  ]
}
