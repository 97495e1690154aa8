# What a hostile agent leaves in its workspace; every line may fail.
cd /workspace
ran='touch /tmp/shipworthy-hostile-ran'
git init -q . && git commit -q --allow-empty -m start
git config core.fsmonitor "$ran"
git config core.sshCommand "$ran"
git config core.hooksPath .git/hooks
git config core.pager "$ran"
git config core.worktree /
git config filter.run.clean "$ran; cat"
git config filter.run.smudge "$ran; cat"
git config filter.run.required true
git config diff.run.command "$ran"
git config uploadpack.packObjectsHook "$ran"
git config include.path /etc/passwd
git config extensions.partialClone origin
git config remote.origin.promisor true
git config remote.origin.url "ext::sh -c $ran"
for hook in pre-commit post-checkout post-index-change reference-transaction pre-auto-gc; do
  printf '#!/bin/sh\n%s\n' "$ran" > .git/hooks/$hook; chmod +x .git/hooks/$hook
done
echo /etc > .git/objects/info/alternates
printf '* filter=run diff=run export-subst ident text eol=crlf working-tree-encoding=utf-16\n' > .gitattributes
printf '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "%s"\n\tupdate = !%s\n' "$ran" "$ran" > .gitmodules
git -c protocol.ext.allow=always update-index --add --cacheinfo 160000,0123456789012345678901234567890123456789,x
mkdir -p nested && git -C nested init -q && git -C nested config core.fsmonitor "$ran"
mkdir worktree && echo 'gitdir: /etc' > worktree/.git
mkdir -p bare/objects bare/refs && echo 'ref: refs/heads/x' > bare/HEAD && printf '[core]\nfsmonitor=%s\n' "$ran" > bare/config
mkfifo pipe; mknod device b 8 0; mknod null c 1 3
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
ln -s /etc/shadow shadow; ln -s / root; ln -s loop loop; ln -s ../../../../../../etc up; ln -s "$(printf 'a\nb')" odd
ln /etc/passwd hard
cp /bin/sh setuid && chmod 6755 setuid
truncate -s 10G sparse
truncate -s 21M "$(printf 'large\377\nname')"
echo x > unreadable; chmod 0 unreadable
mkdir closed; echo x > closed/x; chmod 0 closed
echo x > "$(printf 'line\nfeed.rb')"; echo x > "$(printf 'bell\007\033[2J.rb')"; echo x > "$(printf '\377\376.rb')"
echo x > "$(head -c 250 /dev/zero | tr '\0' a).rb"; echo x > -rf; echo x > ' '; echo x > 'CON'; echo x > '..x'
python3 - <<'END'
import os, zlib
for n in range(6_000):
    os.close(os.open(f"many{n % 50}-{n}", os.O_CREAT | os.O_WRONLY))
here = os.getcwd()
for n in range(500):
    os.mkdir("d"); os.chdir("d")
open("deep.rb", "w").write("x")
os.chdir(here)
open("bomb.gz", "wb").write(zlib.compress(b"\0" * 20_000_000))
open("package.json", "w").write("[" * 200_000)
open("compose.yaml", "w").write("services: " + "[" * 5_000)
open("Gemfile", "w").write("system('touch /tmp/shipworthy-hostile-ran')\n" * 1000)
END
(trap '' TERM INT HUP; while :; do sleep 1; : shipworthy-hostile; done) >/dev/null 2>&1 &
true
