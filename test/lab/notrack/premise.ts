/** What this is all about: the recipe that everybody knows cuts off whoever is behind a small link. */
import { expect } from 'vitest'
import { liveRules } from './host.ts'
import { transfer } from './path.ts'
import type { Part } from './suite.ts'

const RECIPE = [
  '-t raw -I PREROUTING -p tcp --dport 80 -j CT --notrack',
  '-t raw -I OUTPUT -p tcp --sport 80 -j CT --notrack',
  '-I INPUT -p tcp --dport 80 -j ACCEPT',
]

const each = (change: (rule: string) => string): string =>
  ['iptables', 'ip6tables'].flatMap(tool => RECIPE.map(rule => `${tool} ${change(rule)}`)).join('\n')
const ADD = each(rule => rule)
const TAKE_AWAY = each(rule => rule.replace('-I', '-D'))

export const blackHole: Part = ({ it }) => {
  it('the premise: tracked, 10 MB arrive behind a small link; with the recipe of the field they never do', async host => {
    const { vm, before } = host
    const tracked = [await transfer(vm, 4), await transfer(vm, 6)]
    expect(tracked).toEqual([expect.any(Number), expect.any(Number)])
    await vm.script(`set -e\n${ADD}`)
    expect([await transfer(vm, 4), await transfer(vm, 6)]).toEqual(['stalled', 'stalled'])
    await vm.script(`set -e\n${TAKE_AWAY}`)
    expect(await liveRules(vm)).toBe(before.rules)
  })
}
