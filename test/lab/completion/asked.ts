/** Shells that are asked as a person asks them: with the script loaded, a line typed, and the tab key pressed. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Shell } from '../../../src/cli/completion.ts'
import { LabUnavailable } from '../lab.ts'

export interface Asked extends AsyncDisposable {
  /** What the shell offers for the last word of this line. */
  offers(line: string): Promise<string[]>
  /** Where files for it to find lie, and where the shell stands. */
  readonly directory: string
}

const PROGRAM = resolve('bin/ctfix.js')

/** How each shell is told to load the script, and to write what it would offer, and DONE, into the file $OUT. */
const SETTINGS: Readonly<Record<Exclude<Shell, 'fish'>, { readonly command: string; readonly rc: string }>> = {
  bash: {
    command: 'bash --noprofile --rcfile ./rc -i',
    rc: `
PS1='READY> '
PATH=$PWD/bin:$PATH
source ./script
asked() {
  _ctfix "$@"
  printf '%s\\n' "\${COMPREPLY[@]}" DONE >>"$OUT"
}
complete -F asked ctfix
`,
  },
  zsh: {
    command: 'zsh -f -i',
    rc: `
PS1='READY> '
PATH=$PWD/bin:$PATH
fpath=($PWD/zfunc $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {
  case " $* " in
  *' -O '* | *' -A '* | *' -D '*) builtin compadd "$@" ;;
  *)
    local -a hits
    builtin compadd -A hits "$@"
    local folder=\${@[$@[(i)-p]+1]}
    print -rl -- $IPREFIX$folder$^hits >>$OUT
    builtin compadd "$@"
    ;;
  esac
}
done-asked() {
  zle complete-word
  print DONE >>$OUT
}
zle -C complete-word complete-word _main_complete
zle -N done-asked
bindkey '^I' done-asked
`,
  },
}

function installed(shell: Shell): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(place => existsSync(join(place, shell)))
}

/** A shell with completion, in a directory of its own. */
export function ask(shell: Shell, script: string): Asked {
  if (!installed(shell)) throw new LabUnavailable(`${shell} is not installed`)
  const directory = mkdtempSync(join(tmpdir(), 'ctfix-completion-'))
  writeFileSync(join(directory, 'script'), script)
  mkdirSync(join(directory, 'zfunc'))
  writeFileSync(join(directory, 'zfunc/_ctfix'), script)
  spawnSync(
    'sh',
    [
      '-c',
      'mkdir bin && printf \'#!/bin/sh\\nexec "%s" "%s" "$@"\\n\' "$1" "$2" >bin/ctfix && chmod +x bin/ctfix',
      'sh',
      process.execPath,
      PROGRAM,
    ],
    { cwd: directory },
  )
  const env = {
    ...process.env,
    HOME: directory,
    XDG_STATE_HOME: join(directory, 'state'),
    TERM: 'dumb',
    OUT: join(directory, 'out'),
  }
  return {
    directory,
    offers: line => (shell === 'fish' ? fish(line, directory, env) : typed(shell, line, directory, env)),
    async [Symbol.asyncDispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function fish(line: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const program = 'set -p PATH $PWD/bin; source ./script; complete -C $argv[1]'
  const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', program, line], { cwd, env, encoding: 'utf8' })
  if (stderr !== '') throw new Error(stderr)
  return stdout.split('\n').flatMap(offer => (offer === '' ? [] : [offer.split('\t')[0] ?? '']))
}

async function typed(shell: 'bash' | 'zsh', line: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const { command, rc } = SETTINGS[shell]
  const out = join(cwd, 'out')
  writeFileSync(join(cwd, 'rc'), rc)
  writeFileSync(out, '')
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let seen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text
  })
  const until = async (holds: () => boolean): Promise<void> => {
    const end = Date.now() + 20_000
    while (!holds()) {
      if (Date.now() > end) throw new Error(`${shell} does not answer: ${seen}`)
      await sleep(20)
    }
  }
  try {
    if (shell === 'zsh') child.stdin.write('. ./rc\n')
    await until(() => /READY> [^\n]*$/.test(seen))
    child.stdin.write(`${line}\t`)
    await until(() => readFileSync(out, 'utf8').includes('DONE\n'))
    const offers = readFileSync(out, 'utf8')
      .split('\n')
      .filter(offer => offer !== '' && offer !== 'DONE')
    return [...new Set(offers)]
  } finally {
    const gone = new Promise(resolved => child.once('close', resolved))
    child.kill('SIGKILL')
    await gone
  }
}
