"""What Ansible itself makes of every inventory of a corpus, as one JSON document: hosts, groups, values, patterns."""

import json
import os
import sys
import warnings

os.environ['ANSIBLE_CONFIG'] = '/dev/null.cfg'
os.environ['ANSIBLE_LOCALHOST_WARNING'] = 'False'
warnings.simplefilter('ignore')
sys.dont_write_bytecode = True

from ansible import context
from ansible.cli.inventory import INTERNAL_VARS, InventoryCLI
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible.utils.context_objects import CLIArgs
from ansible.utils.display import Display
from ansible.vars.manager import VariableManager

INTERNAL = frozenset(INTERNAL_VARS) | {'inventory_file', 'inventory_dir', 'playbook_dir'}
# Only the document goes to stdout, and each complaint of Ansible's to stderr.
Display.display = lambda self, msg, *args, **kwargs: sys.stderr.write(f'{msg}\n')


def plain(value):
    """JSON of whatever a variable holds."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, int) and abs(value) > 2**53:
        # Whoever reads the document would round it.
        return str(value)
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    return value.decode() if isinstance(value, bytes) else str(value)


def order_is_certain(group):
    """Below the first level Ansible walks sets, so the order of hosts differs from run to run."""
    level = set(group.child_groups)
    while level:
        if sum(1 for member in level if member.child_groups) > 1:
            return False
        level = {child for member in level for child in member.child_groups}
    return True


def hosts_of(group):
    """All hosts of a group, in order where there is one."""
    names = [host.name for host in group.get_hosts()]
    return names if order_is_certain(group) else sorted(names)


def look(directory):
    """One inventory of the corpus."""
    with open(os.path.join(directory, 'case.json'), encoding='utf-8') as file:
        case = json.load(file)
    os.chdir('/')
    loader = DataLoader()
    # Where there is no playbook Ansible takes the current directory: this one has no variables.
    loader.set_basedir(os.path.join(directory, case['playbook']) if 'playbook' in case else '/proc')
    loader.set_vault_secrets([(s['label'], VaultSecret(s['password'].encode())) for s in case.get('vault', [])])
    sources = [source if ',' in source else os.path.join(directory, source) for source in case['sources']]
    inventory = InventoryManager(loader=loader, sources=sources)
    variables = VariableManager(loader=loader, inventory=inventory, version_info={})

    def values(host):
        found = variables.get_vars(host=host, include_hostvars=False, stage='all')
        return {key: plain(value) for key, value in sorted(found.items()) if key not in INTERNAL}

    return {
        'groups': {
            name: {
                'children': [child.name for child in group.child_groups],
                'own': [host.name for host in group.hosts],
                'hosts': hosts_of(group),
                'ordered': order_is_certain(group),
            }
            for name, group in inventory.groups.items()
        },
        'variables': {host.name: values(host) for host in sorted(inventory.get_hosts(), key=lambda host: host.name)},
        'graph': '\n'.join(InventoryCLI._graph_group(InventoryCLI.__new__(InventoryCLI), inventory.groups['all'])) + '\n',
        'patterns': {
            pattern: sorted(host.name for host in inventory.get_hosts(pattern)) for pattern in case.get('patterns', [])
        },
    }


context.CLIARGS = CLIArgs({'show_vars': False})
corpus = os.path.abspath(sys.argv[1])
json.dump({name: look(os.path.join(corpus, name)) for name in sorted(os.listdir(corpus))}, sys.stdout)
