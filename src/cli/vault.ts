/** The vault passwords that flags name. A secret is typed, or read from a file; no flag holds one. */
import { UsageError } from '../errors.ts'
import { Secret } from '../inventory/host.ts'
import { Vault, type VaultPassword } from '../inventory/vault.ts'
import { DEFAULT_LABEL, parseVaultId, readVaultPassword, type VaultId } from '../inventory/vault-password.ts'
import { askSecret } from './ask.ts'
import type { SharedOptions } from './options.ts'

type VaultOptions = Pick<SharedOptions, 'vaultId' | 'vaultPasswordFile' | 'askVaultPass'>

/** What opens vaulted values; asks where a flag says `prompt`. */
export async function openVault({ vaultId = [], vaultPasswordFile = [], askVaultPass }: VaultOptions): Promise<Vault> {
  const ids: readonly VaultId[] = [
    ...vaultId.map(parseVaultId),
    ...vaultPasswordFile.map(source => ({ label: DEFAULT_LABEL, source })),
    ...(askVaultPass ? [{ label: DEFAULT_LABEL, source: 'prompt' }] : []),
  ]
  const passwords: VaultPassword[] = []
  // One after the other: a person is asked one thing at a time.
  for (const id of ids) {
    if (id.source === '') throw new UsageError(`--vault-id ${id.label}@: expected a file or prompt after the @`)
    passwords.push(id.source === 'prompt' ? await ask(id.label) : readVaultPassword(id))
  }
  return new Vault(passwords)
}

async function ask(label: string): Promise<VaultPassword> {
  const of = label === DEFAULT_LABEL ? '' : ` (${label})`
  const password = await askSecret(`Vault password${of}: `)
  if (password === '') throw new UsageError('expected a vault password, got nothing')
  return { label, password: new Secret(password) }
}
