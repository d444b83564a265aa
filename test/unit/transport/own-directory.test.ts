import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeOwnDirectory } from '../../../src/transport/own-directory.ts'
import { temporary } from './hosts.ts'

test('several are made at once, for us alone; what is there stays as it is', () => {
  using place = temporary()
  const there = join(place.path, 'there')
  mkdirSync(there, { mode: 0o755 })
  makeOwnDirectory(join(there, 'a/b/c'))
  makeOwnDirectory(join(there, 'a'))
  const modes = ['.', 'a', 'a/b', 'a/b/c'].map(name => statSync(join(there, name)).mode & 0o777)
  expect(modes).toEqual([0o755, 0o700, 0o700, 0o700])
})

test('where nothing can be made there is an error, and an end', () => {
  using place = temporary()
  writeFileSync(join(place.path, 'file'), '')
  expect(() => makeOwnDirectory(join(place.path, 'file'))).toThrow('EEXIST')
  expect(() => makeOwnDirectory(join(place.path, 'file/a'))).toThrow('ENOTDIR')
  // The kernel says that there is no such directory, of one that is to be made in one that is there.
  expect(() => makeOwnDirectory('/proc/nobody/a/b')).toThrow('ENOENT')
})
