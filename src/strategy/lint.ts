/** Lines of configuration that do not do what they look like: the usual mistakes of recipes, said and never touched. */
import type { Facts, Setting } from '../facts/facts.ts'
import { brokenModprobeLines } from './boot.ts'

/** One sentence each, with the place. */
export function lint(facts: Facts): string[] {
  return [
    ...brokenModprobeLines(facts).map(({ message }) => message),
    ...blacklistAlone(facts),
    ...facts.sysctlSettings.flatMap(setting => wrongKey(setting, setting.key, facts)),
    ...dashes(facts),
  ]
}

const at = ({ file, line, text }: Setting): string => `${file}:${line} says "${text}"`

/** It only stops requests by an alias: by its name, and for another module, the core is loaded all the same. */
function blacklistAlone({ modprobeSettings }: Facts): string[] {
  return modprobeSettings.flatMap(setting => {
    const name = /^blacklist\s+((?:nf|ip)_conntrack)$/.exec(setting.text)?.[1]
    const held = modprobeSettings.some(({ text }) => new RegExp(`^install\\s+${name}\\s`).test(text))
    return name === undefined || held
      ? []
      : [`${at(setting)}: that alone does not keep it out, whatever needs it still loads it`]
  })
}

/** Keys of another kernel's names, and of no kernel's: boot skips them without a word. */
function wrongKey(setting: Setting, key: string, { family, tracking, modules }: Facts): string[] {
  const says = (why: string): string[] => [`${at(setting)}: ${why}`]
  const bare = /conntrack_timeout_(syn_sent|syn_recv|established|fin_wait|close_wait|last_ack|time_wait|close)$/.exec(
    key,
  )
  if (bare) return says(`there is no such key, it is …conntrack_tcp_timeout_${bare[1]}`)
  if (/^net\.netfilter\.ip_conntrack/.test(key) || /^net\.ipv4\.(netfilter\.)?nf_conntrack/.test(key)) {
    return says('no kernel has such a key: it mixes the names of two')
  }
  const isNew = key.includes('nf_conntrack')
  if (family === 'ip_conntrack' && isNew) return says('this kernel calls it ip_conntrack')
  // Kernels that still answer to the old names have a module of IPv4 of their own.
  const names = (tracking?.available ?? modules)?.map(({ name }) => name)
  const merged = names?.includes('nf_conntrack') && !names.includes('nf_conntrack_ipv4')
  return family === 'nf_conntrack' && !isNew && merged ? says('this kernel calls it nf_conntrack') : []
}

/** What word processors make of two hyphens: no tool takes it for an option. */
function dashes({ files }: Facts): string[] {
  return files.flatMap(({ path, state }) =>
    (state?.content ?? '').split('\n').flatMap((text, i) => {
      const found = /(?:^|\s)([\u2012-\u2015]+[A-Za-z][\w-]*)/.exec(text)
      const says = `${path}:${i + 1} says "${found?.[1]}": that is a dash and no hyphen, so it is no option`
      return found && /(^|\s)-A |iptables|^\s*options/.test(text) ? [says] : []
    }),
  )
}
