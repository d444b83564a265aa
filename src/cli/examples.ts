/** Examples of each command, by its path; '' is the program. Each is a line that works: a test parses all of them. */

interface Example {
  readonly what: string
  readonly line: string
}

const INVENTORY = '-i inventory.yaml'

/** Each at most 78 characters, so that help shows it on one line. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  '': [
    { what: 'how full the tables are', line: `ctfix facts ${INVENTORY}` },
    { what: 'what is wrong, and what would cure it', line: `ctfix diagnose ${INVENTORY}` },
    { what: 'what would be changed, and why', line: `ctfix plan ${INVENTORY} --strategy raise` },
    { what: 'change it: shows the diff, asks, applies, proves', line: `ctfix apply ${INVENTORY} --strategy raise` },
    { what: 'and back again', line: `ctfix rollback ${INVENTORY} 01JD8Z5W3M9QX7R2T4V6B8N0KC` },
  ],
  facts: [
    { what: 'two hosts without an inventory', line: 'ctfix facts -i web-1,web-2 -u root' },
    {
      what: 'a tier without its lab, for programs',
      line: `ctfix facts ${INVENTORY} -l 'edge:!edge_lab' --output json`,
    },
    { what: 'hosts that nobody has logged in to yet', line: `ctfix facts ${INVENTORY} --host-key accept-new` },
  ],
  diagnose: [
    { what: 'findings, and the cure for each host', line: `ctfix diagnose ${INVENTORY} -l edge` },
    {
      what: 'watch for longer; exit 2 when something is wrong',
      line: `ctfix diagnose ${INVENTORY} --window 1m --detailed-exitcode`,
    },
  ],
  watch: [
    { what: 'the fleet, until q', line: `ctfix watch ${INVENTORY}` },
    { what: 'one table, for scripts', line: `ctfix watch ${INVENTORY} -l edge --once --sort drops` },
    { what: 'what users of it lose, too', line: `ctfix watch ${INVENTORY} --probe tcp:443 --sort loss` },
    {
      what: 'for Prometheus, through the textfile collector',
      line: `ctfix watch ${INVENTORY} --interval 15s --metrics ctfix.prom`,
    },
  ],
  plan: [
    {
      what: 'what a playbook would do, for the ticket of the change',
      line: `ctfix plan ${INVENTORY} --playbook playbooks/raise.yaml --output markdown`,
    },
    { what: 'which rules make the kernel track at all', line: `ctfix plan ${INVENTORY} -l edge -s untrigger` },
    {
      what: 'save it: apply --plan does exactly this, or nothing',
      line: `ctfix plan ${INVENTORY} -s raise --out raise.plan`,
    },
    {
      what: 'for scripts: exit 2 when something is to change',
      line: `ctfix plan ${INVENTORY} -s raise --detailed-exitcode`,
    },
  ],
  show: [
    { what: 'what was saved, and whether it may still be applied', line: 'ctfix show raise.plan' },
    { what: 'for programs', line: 'ctfix show raise.plan --output json' },
  ],
  apply: [
    {
      what: 'two cures at once, with an option',
      line: `ctfix apply ${INVENTORY} -s raise,timeouts --set established=2h4m`,
    },
    {
      what: 'one host first, then five, then in tenths, with two minutes between',
      line: `ctfix apply ${INVENTORY} -s raise --canary web-1 --serial 5,10% --bake 2m`,
    },
    { what: 'what was shown and approved, nothing else', line: `ctfix apply ${INVENTORY} --plan raise.plan --yes` },
    {
      what: 'go on with a run that was broken off',
      line: `ctfix apply ${INVENTORY} --resume 01JD8Z5W3M9QX7R2T4V6B8N0KC`,
    },
  ],
  verify: [
    { what: 'a report for CI', line: `ctfix verify ${INVENTORY} -s raise --output junit` },
    { what: 'is the table as wanted, and no packet dropped?', line: `ctfix verify ${INVENTORY} -s raise --window 1m` },
    {
      what: 'and do connections and pings get through from here?',
      line: `ctfix verify ${INVENTORY} -s raise --probe tcp:443 --probe ping`,
    },
    { what: 'what one run applied', line: `ctfix verify ${INVENTORY} --run 01JD8Z5W3M9QX7R2T4V6B8N0KC` },
  ],
  rollback: [
    { what: 'look first', line: `ctfix rollback ${INVENTORY} 01JD8Z5W3M9QX7R2T4V6B8N0KC --dry-run` },
    { what: 'one host only', line: `ctfix rollback ${INVENTORY} -l web-1 01JD8Z5W3M9QX7R2T4V6B8N0KC` },
  ],
  'runs list': [
    { what: 'the runs, the newest last', line: 'ctfix runs list' },
    { what: 'for programs', line: 'ctfix runs list --output json' },
  ],
  'runs show': [
    { what: 'what was done, from the record here', line: 'ctfix runs show 01JD8Z5W3M9QX7R2T4V6B8N0KC' },
    { what: 'and what the hosts say themselves', line: `ctfix runs show ${INVENTORY} 01JD8Z5W3M9QX7R2T4V6B8N0KC` },
  ],
  report: [
    {
      what: 'a page for the ticket: before and after, diffs, proof, the way back',
      line: 'ctfix report 01JD8Z5W3M9QX7R2T4V6B8N0KC --html --out run.html',
    },
    { what: 'the same as text', line: 'ctfix report 01JD8Z5W3M9QX7R2T4V6B8N0KC' },
    { what: 'for programs', line: 'ctfix report 01JD8Z5W3M9QX7R2T4V6B8N0KC --output json' },
  ],
  'inventory list': [
    { what: 'whom a pattern means', line: `ctfix inventory list ${INVENTORY} -l 'edge:&debian'` },
    {
      what: 'several sources, the later ones over the earlier',
      line: 'ctfix inventory list -i base.yaml -i site.ini --json',
    },
  ],
  'inventory graph': [
    { what: 'groups and their hosts', line: `ctfix inventory graph ${INVENTORY}` },
    { what: 'of one group', line: `ctfix inventory graph ${INVENTORY} -l edge` },
  ],
  'inventory host': [
    { what: 'each variable, and the file that sets it', line: `ctfix inventory host ${INVENTORY} web-1` },
    { what: 'with vaulted variables', line: `ctfix inventory host ${INVENTORY} web-1 --vault-id prod@prompt` },
  ],
  'hostkeys scan': [
    { what: 'keys of new hosts, to compare', line: `ctfix hostkeys scan ${INVENTORY} --known-hosts known_hosts` },
    { what: 'through a jump host', line: `ctfix hostkeys scan ${INVENTORY} -J ops@gate.example.net` },
  ],
  strategies: [
    { what: 'all of them', line: 'ctfix strategies' },
    { what: 'one of them, with its options', line: 'ctfix strategies raise' },
  ],
  completion: [
    { what: 'bash, now and in every later shell', line: "echo 'source <(ctfix completion bash)' >> ~/.bashrc" },
    { what: 'zsh, where $fpath looks', line: 'ctfix completion zsh > ~/.zfunc/_ctfix' },
    { what: 'fish', line: 'ctfix completion fish > ~/.config/fish/completions/ctfix.fish' },
  ],
}
