/** The keywords of ssh_config(5): what each is called today, and which this program has heard of. */

/** Heeded: they decide whom one reaches, and how one is let in. */
const HEEDED = [
  ...['host', 'match', 'include', 'ignoreunknown', 'canonicalizehostname', 'refuseconnection'],
  ...['hostname', 'port', 'user', 'proxyjump', 'proxycommand', 'proxyusefdpass', 'connecttimeout'],
  ...['addressfamily', 'bindaddress', 'bindinterface', 'serveraliveinterval', 'serveralivecountmax'],
  ...[
    'identityfile',
    'identitiesonly',
    'identityagent',
    'certificatefile',
    'pkcs11provider',
    'preferredauthentications',
  ],
  ...['pubkeyauthentication', 'passwordauthentication', 'kbdinteractiveauthentication', 'numberofpasswordprompts'],
  ...['kexalgorithms', 'hostkeyalgorithms', 'ciphers', 'macs', 'pubkeyacceptedalgorithms', 'requiredrsasize'],
  ...['userknownhostsfile', 'globalknownhostsfile', 'hostkeyalias', 'hashknownhosts', 'stricthostkeychecking'],
  ...['revokedhostkeys', 'knownhostscommand'],
]

/**
 * They mean nothing to a runner that has no terminal, forwards nothing, keeps one connection a host and checks each host
 * key; or they matter only where canonical names are asked for, which is left to ssh.
 */
const WITHOUT_MEANING = [
  ...['batchmode', 'connectionattempts', 'compression', 'compressionlevel', 'tcpkeepalive', 'ipqos', 'rekeylimit'],
  ...['loglevel', 'logverbose', 'syslogfacility', 'stdinnull', 'sessiontype', 'requesttty', 'remotecommand'],
  ...['localcommand', 'permitlocalcommand', 'sendenv', 'setenv', 'tunnel', 'tunneldevice', 'localforward'],
  ...['remoteforward', 'dynamicforward', 'permitremoteopen', 'gatewayports', 'exitonforwardfailure'],
  ...['clearallforwardings', 'streamlocalbindmask', 'streamlocalbindunlink', 'forwardagent', 'forwardx11'],
  ...['forwardx11timeout', 'forwardx11trusted', 'xauthlocation', 'escapechar', 'enableescapecommandline'],
  ...['forkafterauthentication', 'controlmaster', 'controlpath', 'controlpersist', 'addkeystoagent', 'checkhostip'],
  ...['updatehostkeys', 'verifyhostkeydns', 'visualhostkey', 'fingerprinthash', 'nohostauthenticationforlocalhost'],
  ...['casignaturealgorithms', 'hostbasedacceptedalgorithms', 'hostbasedauthentication'],
  ...['enablesshkeysign', 'securitykeyprovider', 'kbdinteractivedevices', 'obscurekeystroketiming', 'channeltimeout'],
  ...['gssapiauthentication', 'gssapiclientidentity', 'gssapidelegatecredentials', 'gssapikeyexchange', 'tag'],
  ...['gssapirenewalforcesrekey', 'gssapiserveridentity', 'gssapitrustdns', 'gssapikexalgorithms'],
  ...['canonicaldomains', 'canonicalizefallbacklocal', 'canonicalizemaxdots', 'canonicalizepermittedcnames'],
  ...[
    'versionaddendum',
    'warnweakcrypto',
    'protocol',
    'cipher',
    'useprivilegedport',
    'useroaming',
    'rsaauthentication',
  ],
  ...['rhostsauthentication', 'rhostsrsaauthentication', 'userknownhostsfile2', 'globalknownhostsfile2'],
]

const KNOWN = new Set([...HEEDED, ...WITHOUT_MEANING])

/** Older names, still read by ssh. */
const TODAY: Readonly<Record<string, string>> = {
  challengeresponseauthentication: 'kbdinteractiveauthentication',
  skeyauthentication: 'kbdinteractiveauthentication',
  tisauthentication: 'kbdinteractiveauthentication',
  dsaauthentication: 'pubkeyauthentication',
  identityfile2: 'identityfile',
  smartcarddevice: 'pkcs11provider',
  keepalive: 'tcpkeepalive',
  pubkeyacceptedkeytypes: 'pubkeyacceptedalgorithms',
  hostbasedacceptedkeytypes: 'hostbasedacceptedalgorithms',
  hostbasedkeytypes: 'hostbasedacceptedalgorithms',
}

/** What it is called today, in lower case. */
export function keywordOf(word: string): string {
  const keyword = word.toLowerCase()
  return TODAY[keyword] ?? keyword
}

/** A keyword nobody knows may be a misspelt ProxyJump: ssh refuses the file. */
export function isKnownKeyword(keyword: string): boolean {
  return KNOWN.has(keyword)
}
