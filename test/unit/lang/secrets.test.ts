/** What of a command line is somebody's secret, by what stands around it. */
import { describe, expect, it } from 'vitest'
import { secretsIn, withoutSecrets } from '../../../src/lang/secrets.ts'

const shown = (command: string): string => withoutSecrets(command, secretsIn(command))

describe('a command line without its secrets', () => {
  it.each([
    ['check --password hunter2 web', 'check --password *** web'],
    ["check --password='hunter 2' web", "check --password='***' web"],
    ['check --api-token "hunter2"', 'check --api-token "***"'],
    ['TOKEN=hunter2 PGPASSWORD=geheim ./ok', 'TOKEN=*** PGPASSWORD=*** ./ok'],
    ['export DB_PASS=hunter2; ./ok', 'export DB_PASS=***; ./ok'],
    ['curl https://ops:hunter2@x.example/ok', 'curl https://ops:***@x.example/ok'],
    ['curl https://ops:hun@ter2@x.example/ok', 'curl https://ops:***@x.example/ok'],
    ['git ls-remote https://ghp_hunter2@x.example/r', 'git ls-remote https://***@x.example/r'],
    ['curl "https://x/ok?a=1&access_token=hunter2&b=2"', 'curl "https://x/ok?a=1&access_token=***&b=2"'],
    ["curl -H 'Authorization: Bearer hunter2' x", "curl -H 'Authorization: Bearer ***' x"],
    ["curl -H 'X-Api-Key: hunter2' x", "curl -H 'X-Api-Key: ***' x"],
    [`curl -d '{"user": "u", "secret": "hunter2"}' x`, `curl -d '{"user": "u", "secret": "***"}' x`],
    ['curl -u ops:hunter2 x', 'curl -u ops:*** x'],
    ['sshpass -p hunter2 ssh x', 'sshpass -p *** ssh x'],
    ['mysql -u ops -phunter2 -e "select 1"', 'mysql -u ops -p*** -e "select 1"'],
    ["sh -c 'check --password hunter2'", "sh -c 'check --password ***'"],
  ])('%s', (command, expected) => {
    expect(shown(command)).toBe(expected)
  })

  it.each([
    './ok',
    'check --password "$PASSWORD" --token-file /run/token',
    'TOKEN=$(cat /run/token) ./ok',
    'curl -fsS "https://lb.example/health?since=5m" | grep -q ok',
    'curl -H "Authorization: Bearer $TOKEN" x',
    'mkdir -p /run/x && git fetch ssh://git@x.example/r',
    'ssh root@web-1 true; [ "$CTFIX_FAILED" = 0 ]',
    'check --bypass cache --password --quick',
    'PASSWORD_FILE=/run/password ./ok',
  ])('%s has none', command => {
    expect(shown(command)).toBe(command)
  })

  it('short ones are no parts of other words; longer ones go first; a URL has its own form of them', () => {
    expect(withoutSecrets('a=ab, ab-a and a%2Fbcd', ['a', 'a/bcd'])).toBe('***=ab, ab-*** and ***')
    expect(withoutSecrets('secret and secrets', ['secret', 'secrets', ''])).toBe('*** and ***')
  })
})
