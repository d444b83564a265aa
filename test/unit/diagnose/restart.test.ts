/** What a restart of the firewall does to values, by what its configuration says of modules. */
import { expect, test } from 'vitest'
import { diagnose } from '../../../src/diagnose/diagnose.ts'
import { lostAtRestart } from '../../../src/diagnose/rules/lost-at-restart.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { file } from '../../support/facts.ts'
import { but, recorded } from './hosts.ts'

const CONFIG = '/etc/sysconfig/iptables-config'
const old = recorded('centos5')
const raised = but(old, { max: 300_000, buckets: 150_000, count: 5_000 })
const withConfig = (content: string, facts: Facts = raised): Facts =>
  but(facts, { files: [...facts.files.filter(({ path }) => path !== CONFIG), file(CONFIG, content)] })
const found = (facts: Facts): readonly string[] => lostAtRestart(facts)?.evidence ?? []

test.for<[string, Facts, number]>([
  ['it says so', withConfig('# x\nIPTABLES_MODULES_UNLOAD="yes"\n'), 3],
  ['it says so without quotes', withConfig('IPTABLES_MODULES_UNLOAD=yes\n'), 3],
  ['it says no', withConfig('IPTABLES_MODULES_UNLOAD="no"\n'), 0],
  ['the last line says no', withConfig('IPTABLES_MODULES_UNLOAD=yes\nIPTABLES_MODULES_UNLOAD=no\n'), 0],
  [
    'its script applies them again',
    withConfig('IPTABLES_MODULES_UNLOAD=yes\nIPTABLES_SYSCTL_LOAD_LIST=".nf_conntrack"\n'),
    0,
  ],
  ['a comment says so', withConfig('#IPTABLES_MODULES_UNLOAD="yes"\n'), 0],
  ['nobody set anything', withConfig('IPTABLES_MODULES_UNLOAD="yes"\n', old), 0],
  ['another owner of the rules', but(raised, { firewall: { ...raised.firewall, owner: 'firewalld' } }), 0],
  ['it is built in', but(raised, { providedBy: 'builtin' }), 0],
])('%s', ([, facts, lines]) => {
  expect(found(facts)).toHaveLength(lines)
})

test('the plan recommended says no, and then nothing is left to find', () => {
  const { recommendation } = diagnose(withConfig('IPTABLES_MODULES_UNLOAD="yes"\n'))
  expect(recommendation.steps.map(({ strategy }) => strategy)).toEqual(['raise'])
  const change = recommendation.plan?.changes.find(({ target }) => target === CONFIG)
  const after = change?.kind === 'file' ? change.after?.content : null
  expect(after).toBe('IPTABLES_MODULES_UNLOAD="no"\n')
  expect(found(withConfig(after ?? ''))).toEqual([])
})
