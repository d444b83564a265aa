#!/bin/sh
if [ "$1" = --list ]; then
  echo '{"web": {"hosts": ["a", "b"]}, "db": {"hosts": ["c"], "vars": {"v": 1}}}'
elif [ "$2" = c ]; then
  echo '{}'
else
  echo "{\"name\": \"$2\", \"n\": 5}"
fi
