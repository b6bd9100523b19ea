# What a Linux guest does in the tests, as its first process: a bit of everything, with the same output on every machine.
step() { echo "== $*"; }

step processes
for i in 1 2 3 4 5 6 7 8; do (exit $i) & wait $! || echo "process ended with $?"; done
sh -c 'trap "echo caught a signal; exit 3" TERM; kill -TERM $$; sleep 1'; echo "status $?"

step pipes
seq 1 20000 | sort -r -n | head -n 3
seq 1 5000 | grep -c 7 | cat | cat
yes | head -c 100000 | wc -c

step files
mkdir /tmp/folder
seq 1 100000 >/tmp/folder/numbers
cp /tmp/folder/numbers /tmp/folder/copy
wc /tmp/folder/numbers
cmp /tmp/folder/numbers /tmp/folder/copy && echo the same
tail -n 1 /tmp/folder/copy
rm -r /tmp/folder
ls /tmp

step hashes
sha256sum /share/known
seq 1 100000 | sha256sum
seq 1 50000 | gzip -c | gunzip -c | md5sum

step floating point
awk 'BEGIN {
  for (i = 1; i <= 20000; i++) { s += 1 / i; p += 1 / (i * i) }
  x = 2; for (i = 0; i < 30; i++) x = (x + 2 / x) / 2
  e = 1; for (i = 20; i > 0; i--) e = 1 + e / i
  printf "%.12g %.12g %.15g %.15g %g %d\n", s, p, x, e, 1e300 * 1e10, -7.9
}'
