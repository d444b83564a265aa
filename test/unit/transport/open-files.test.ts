/** The limit on open files, before it is met half way. */
import { expect, test } from 'vitest'
import { checkOpenFiles, openFilesLimit } from '../../../src/transport/open-files.ts'

test('reads the limit that Node raises itself to', () => {
  const text =
    'Limit Soft Hard Units\nMax processes 1 2 processes\nMax open files            1024                 4096                 files\n'
  expect(openFilesLimit(text)).toBe(4096)
  expect(openFilesLimit(text.replace('4096', 'unlimited'))).toBe(Number.POSITIVE_INFINITY)
  expect(openFilesLimit('')).toBeNull()
})

test('need, have, and what to do', () => {
  expect(() => checkOpenFiles(50, 1024)).not.toThrow()
  expect(() => checkOpenFiles(5000, null)).not.toThrow()
  expect(() => checkOpenFiles(500, 1024)).toThrow(
    expect.objectContaining({
      message: '500 hosts at once need 2064 open files, and this process may have 1024',
      hint: 'ulimit -n 2064, or --forks 240',
    }),
  )
  expect(() => checkOpenFiles(1, 10)).toThrow(expect.objectContaining({ hint: 'ulimit -n 68' }))
})
