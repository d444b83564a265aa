/** A host is sent the functions that its scripts call, and not all there are. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { changeLibrary } from '../../../src/run/tools.ts'

const namesIn = (text: string): string[] => [...text.matchAll(/^(\w+)\(\)/gm)].map(([, name]) => name ?? '')
const all = namesIn(changeLibrary())
const some = namesIn(changeLibrary('put_value /proc/x eq 1 && put_file /etc/x 0644 0:0 text && show_value /proc/x'))

test('values and files take a part of the library', () => {
  expect(some).toContain('put_value')
  expect(some).toContain('restore_ours')
  expect(some).toContain('show_file')
  expect(some).not.toContain('put_rule')
  expect(all).toEqual(expect.arrayContaining(some))
})

test('that part calls nothing that is not in it, but to show what other parts are about', () => {
  const rest = all.filter(name => !some.includes(name))
  const text = readFileSync(new URL('../../../src/run/remote/change.sh', import.meta.url), 'utf8').replaceAll(
    /^ *#.*$/gm,
    '',
  )
  expect(rest.filter(name => new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
})

test.each([
  'put_rule iptables',
  'put_nft_table text',
  'load_module ip_tables',
  'return_value /proc/x eq 1',
  'nft_would_load',
  'show_service firewalld',
  'change_image /boot/initrd',
])('anything else takes all of it: %s', calls => {
  expect(namesIn(changeLibrary(`put_value /proc/x eq 1 && ${calls}`))).toEqual(all)
})
