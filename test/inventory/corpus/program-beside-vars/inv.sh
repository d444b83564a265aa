#!/bin/sh
echo '{"web": {"hosts": ["a"], "vars": {"v": "program"}}, "_meta": {"hostvars": {}}}'
