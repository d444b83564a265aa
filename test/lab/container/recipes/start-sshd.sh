#!/bin/sh
# PID 1 of the debian and centos5 containers.
mkdir -p /run/sshd
chmod 0755 /run/sshd
if [ -x /lab/before ]; then
  /lab/before || exit 1
fi
exec /usr/sbin/sshd -D -e
