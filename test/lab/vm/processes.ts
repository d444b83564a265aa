/** Programs that go on running in a guest after the script that started them. */

/**
 * Shell functions for a script: `launch NAME COMMAND…`, `runs NAME`, `halt NAME`. Pids are recorded and checked for their
 * program, so that an old file never ends a process that is not ours.
 */
export function processes(directory: string, program: string): string {
  return `
mkdir -p ${directory}
cd ${directory}
runs() { [ -e $1.pid ] && grep -qs ${program} /proc/$(cat $1.pid)/cmdline; }
launch() {
  name=$1; shift
  setsid "$@" >$name.log 2>&1 </dev/null &
  echo $! >$name.pid
}
halt() {
  if runs $1; then
    kill -9 $(cat $1.pid)
    while runs $1; do sleep 0.02; done
  fi
  rm -f $1.pid
}`
}
