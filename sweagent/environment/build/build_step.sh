# Process 1 of the container in which one build step runs: sh -c THIS build-step COMMAND...
# Standard input: a mark, the step's variables as `export` lines, the mark again; then nothing until the builder is gone.
# The last line of the output: the mark, the exit status, processes killed for want of memory, processes refused.
IFS= read -r mark
while IFS= read -r line && [ "$line" != "$mark" ]; do eval "$line"; done
exec 3<&0 </dev/null
# Without a builder nobody keeps the bounds on time and disk.
( while read -r _ <&3; do :; done; kill -9 -1 ) >/dev/null 2>&1 &
exec 3<&-
"$@"
status=$?
# What a step leaves running is no part of the image, and may not speak after its end.
kill -9 -1 2>/dev/null
memory=0 refused=0
count() {
  while read -r name value _; do
    if [ "$name" = "$2" ]; then echo "$value"; return; fi
  done <"$1"
}
for folder in /sys/fs/cgroup /sys/fs/cgroup/memory /sys/fs/cgroup/pids; do
  if [ -r "$folder/memory.events" ]; then memory=$(count "$folder/memory.events" oom_kill); fi
  if [ -r "$folder/memory.oom_control" ]; then memory=$(count "$folder/memory.oom_control" oom_kill); fi
  if [ -r "$folder/pids.events" ]; then refused=$(count "$folder/pids.events" max); fi
done
printf '\n%s %s %s %s\n' "$mark" "$status" "${memory:-0}" "${refused:-0}"
exit "$status"
