/** Texts of the corpus with mistakes in them, as people and broken tools make them. */
import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'

const CORPUS = join(import.meta.dirname, '../../inventory/corpus')

/** Files of the corpus whose path, or whose text, is of the kind. */
export function texts(kind: RegExp, holds = /(?:)/): readonly string[] {
  const found = readdirSync(CORPUS, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter(path => kind.test(path))
    .map(path => readFileSync(path, 'utf8'))
  return found.filter(text => holds.test(text))
}

const WORDS = [
  ...['[', ']', '[web]', ':vars]', ':children]', '=', ' = ', '#', ';', '"', "'", '\\', '\n', '\n\n', ' ', '\t', '\r\n'],
  ...[':', ': ', '- ', '{', '}', '{{ x }}', '&a ', '*a', '<<: ', '!vault', '|', '---', 'null', 'all', 'ungrouped', 'a'],
  ...['[1:3]', '[a:z]', '[3:1]', '1', '0x', '5,', '(', ')', 'True', '\u0000', '\u2028', 'é', '{[]: 1}', '"hosts"'],
  ...[
    '"children": ["all"]',
    '$ANSIBLE_VAULT;1.1;AES256\n',
    'ansible_port=x',
    'ansible_group_priority=x',
    'plugin: x\n',
  ],
  ...[
    'ctfix_x: 1\n',
    'hosts:',
    'vars:',
    'children:',
    '\uFEFF',
    '@',
    '~',
    '-',
    '../x',
    '9'.repeat(20),
    'web:\n  web:\n',
  ],
]

/** A text with up to three places changed: something cut out, put in, or both. */
export function mutated(originals: readonly string[]): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(),
    cut: fc.nat({ max: 12 }),
    put: fc.oneof(fc.constantFrom(...WORDS), fc.string()),
  })
  return fc
    .tuple(fc.constantFrom(...originals), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([text, changes]) =>
      changes.reduce((before, { at, cut, put }) => {
        const offset = at % (before.length + 1)
        return before.slice(0, offset) + put + before.slice(offset + cut)
      }, text),
    )
}

/** As ansible-vault does, with the password of `default`. */
export function sealed(text: string): string {
  const salt = Buffer.alloc(32, 7)
  const key = pbkdf2Sync('corpus one', salt, 10_000, 80, 'sha256')
  const cipher = createCipheriv('aes-256-ctr', key.subarray(0, 32), key.subarray(64, 80))
  const pad = 16 - (Buffer.byteLength(text) % 16)
  const inside = Buffer.concat([cipher.update(text + String.fromCharCode(pad).repeat(pad)), cipher.final()])
  const digest = createHmac('sha256', key.subarray(32, 64)).update(inside).digest()
  const hex = [salt, digest, inside].map(part => part.toString('hex')).join('\n')
  return `$ANSIBLE_VAULT;1.1;AES256\n${Buffer.from(hex, 'latin1').toString('hex')}\n`
}
