/** A Debian whose iptables-legacy keeps what it is told, under one of the shells. */
import { PLATFORMS } from '../facts/platforms.ts'
import { type Shell, Stage } from '../facts/stage.ts'
import { RULES, withWorkingTools } from '../lab/simulated/tools.ts'

/** It starts with these rules of IPv4, as iptables-save prints them; the kernel has just their tables. */
export function stageOfRules(shell: Shell, saved: string): Stage {
  const platform = PLATFORMS['debian12-full']
  if (!platform) throw new Error('the platform debian12-full is gone')
  const stage = new Stage(withWorkingTools(platform), shell)
  stage.write(RULES[4], saved)
  const tables = [...saved.matchAll(/^\*(\S+)$/gm)].map(([, table]) => `${table}\n`)
  stage.write('/proc/net/ip_tables_names', tables.join(''))
  return stage
}
