import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openVault } from '../../../src/cli/vault.ts'
import { UsageError } from '../../../src/errors.ts'
import { writeTree } from '../inventory/inventory.ts'

const CORPUS = join(import.meta.dirname, '../../inventory/corpus/vault-file')
const place = { file: 'x' }
const one = readFileSync(join(CORPUS, 'group_vars/web/vault.yml'), 'utf8')
const prod = readFileSync(join(CORPUS, 'host_vars/a.yml'), 'utf8')

test('passwords of all the flags together open what any of them fits', async () => {
  const directory = writeTree({ one: 'corpus one\n', 'two.sh': '#!/bin/sh\necho corpus two\n', wrong: 'wrong\n' })
  const vault = await openVault({
    vaultId: [`prod@${directory}/two.sh`],
    vaultPasswordFile: [`${directory}/wrong`, `${directory}/one`],
  })
  expect(vault.open(one, place)).toContain('vault_pw: s3cret')
  expect(vault.open(prod, place)).toContain('h: [1, 2]')
})

test('without a flag nothing is opened', async () => {
  const vault = await openVault({})
  expect(() => vault.open(one, place)).toThrow('x: expected a vault password for a vaulted value, got none')
})

test('nobody is asked where there is nobody', async () => {
  await expect(openVault({ askVaultPass: true })).rejects.toThrow(UsageError)
  await expect(openVault({ vaultId: ['prod@prompt'] })).rejects.toThrow(UsageError)
  await expect(openVault({ vaultId: ['prod@'] })).rejects.toThrow('--vault-id prod@: expected a file or prompt')
})
