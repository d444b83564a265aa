/** A network of its own on this machine's kernel, with the real tools: rules can be changed in it, and nobody else's are. */
import { spawnSync } from 'node:child_process'
import { requireTools } from '../lab/container/exec.ts'
import { LabUnavailable } from '../lab/lab.ts'
import { finished, spawned } from './processes.ts'
import type { Run } from './shells.ts'

export interface OwnNetwork extends AsyncDisposable {
  /** What stands in front of a command that is to run in it. */
  readonly enter: readonly string[]
  /** Runs a program on stdin of a shell in it. */
  run(shell: readonly string[], program: string): Run
  /** What a script prints; it must come to its end. */
  print(script: string): string
}

/** Throws LabUnavailable with the reason where this machine has no such thing. */
export async function startOwnNetwork(): Promise<OwnNetwork> {
  if (process.getuid?.() !== 0) throw new LabUnavailable('A network of its own takes root.')
  requireTools('network', {
    unshare: 'util-linux',
    nsenter: 'util-linux',
    ip: 'iproute2',
    'iptables-legacy': 'iptables',
    'iptables-nft': 'iptables',
    nft: 'nftables',
    conntrack: 'conntrack',
  })
  // It ends with its stdin: also when we are killed.
  const keeper = spawned(['unshare'], ['--net', 'sh', '-c', 'ip link set lo up && echo $$ && exec cat'], {
    hold: true,
    ownGroup: true,
  })
  const pid = await Promise.race([keeper.line, keeper.ended.then(({ stderr }) => Promise.reject(new Error(stderr)))])
  const enter = ['nsenter', `--net=/proc/${pid}/ns/net`]
  const run: OwnNetwork['run'] = (shell, program) => {
    const [command = '', ...words] = [...enter, ...shell, '-s']
    return finished(spawnSync(command, words, { input: program, encoding: 'utf8', timeout: 20_000 }))
  }
  const close = async (): Promise<void> => {
    keeper.killGroup()
    await keeper.ended
  }
  const probe = run(
    ['sh'],
    'set -e; iptables-legacy -t raw -S; ip6tables-legacy -t raw -S; nft list tables; conntrack -L',
  )
  if (probe.exitCode !== 0) {
    await close()
    throw new LabUnavailable(`This machine's kernel cannot do all of it: ${probe.stderr.trim()}`)
  }
  return {
    enter,
    run,
    print(script) {
      const { exitCode, stdout, stderr } = run(['sh'], script)
      if (exitCode !== 0) throw new Error(stderr)
      return stdout
    },
    [Symbol.asyncDispose]: close,
  }
}
