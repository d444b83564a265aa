#!/bin/sh
case $1 in
--list) cat <<'EOT'
{
  "web": {"hosts": ["web1", "web2"], "vars": {"http_port": 80, "yes": "yes"}, "children": ["edge"]},
  "edge": ["edge1"],
  "single": {"ansible_host": "192.0.2.9"},
  "all": {"vars": {"base": null}},
  "_meta": {"hostvars": {"web1": {"ansible_host": "192.0.2.1", "list": [1, "a"]}, "edge1": {"x": {"__ansible_unsafe": "{{ x }}"}}, "nobody": {"y": 1}}}
}
EOT
;;
esac
