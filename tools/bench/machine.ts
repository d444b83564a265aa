/** What a number was measured on; without it a number says nothing. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'

export interface Machine {
  readonly date: string
  readonly cores: number
  readonly processor: string
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
  /** By tool; null: it is not there. */
  readonly versions: Readonly<Record<string, string | null>>
}

/** First line of what a tool says of itself, on either stream. */
function says(command: string): string | null {
  try {
    return (
      execFileSync('sh', ['-c', `${command} 2>&1`], { encoding: 'utf8' })
        .split('\n')[0]
        ?.trim() ?? null
    )
  } catch {
    return null
  }
}

export function thisMachine(): Machine {
  const system = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? null
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
    versions: {
      system,
      openssh: says('ssh -V'),
      ansible: says('ansible --version'),
      mitogen: says('dpkg-query -W ansible-mitogen'),
      clustershell: says('clush --version'),
    },
  }
}
